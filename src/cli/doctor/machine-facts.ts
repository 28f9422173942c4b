/** What `doctor` finds on this machine: facts only, the judgement is in health-checks.ts. */
import { access, constants } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { localProfileName, profileStore, thisMachine } from '../../app/local-profile.ts';
import { catalogContext } from '../../catalog/catalog-context.ts';
import { findModel } from '../../catalog/find-model.ts';
import { KNOWN_MODELS } from '../../catalog/known-models.ts';
import { DEFAULT_PAIR } from '../../catalog/known-pairs.ts';
import { findPip } from '../../catalog/pip-command.ts';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';
import type { OnNotice, OnProgress } from '../../core/progress.ts';
import type { MeasuredThreads } from '../../machines/machine-profile.ts';
import { inspectLibrary, type LibraryReport } from '../../model/llama-cpp/library-report.ts';
import { availableMemoryBytes } from '../../model/llama-cpp/memory-estimate.ts';

export interface ModelFact {
  readonly name: string;
  readonly bytes: number;
  readonly path: string | null;
  /** Why it could not be looked for, or null. */
  readonly problem: string | null;
}

export interface MachineFacts {
  readonly nodeVersion: string;
  /** As `linux-x64`. */
  readonly platform: string;
  readonly cpuCount: number;
  /** How many threads decode which model fastest, where that was measured. */
  readonly threads: readonly MeasuredThreads[];
  readonly availableMemoryBytes: number;
  readonly library: LibraryReport;
  readonly home: string;
  /** Why nothing can be written there, or null. */
  readonly homeProblem: string | null;
  readonly freeDiskBytes: number | null;
  readonly pair: string;
  readonly models: readonly ModelFact[];
  /** The command that answers as pip, or null. */
  readonly pip: string | null;
  readonly hubEndpoint: string | null;
  readonly hasHubToken: boolean;
  readonly isOffline: boolean;
}

export interface InspectMachineOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
  readonly onNotice: OnNotice;
}

/** Downloads nothing; may note the digest of a model that it finds. @throws PilotfishError `aborted` */
export async function inspectMachine(options: InspectMachineOptions): Promise<MachineFacts> {
  const { env, signal } = options;
  const context = catalogContext(options);
  const existing = await nearestExisting(context.home);
  const facts: MachineFacts = {
    nodeVersion: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    cpuCount: availableParallelism(),
    threads: await measuredThreads(options),
    availableMemoryBytes: availableMemoryBytes(),
    library: await inspectLibrary(),
    home: context.home,
    homeProblem: await writeProblem(existing),
    freeDiskBytes: await context.disk.freeBytes(existing).catch(() => null),
    pair: DEFAULT_PAIR.name,
    models: [
      await modelFact(DEFAULT_PAIR.small, options),
      await modelFact(DEFAULT_PAIR.large, options),
    ],
    pip: await pipCommand(options),
    hubEndpoint: env['HF_ENDPOINT'] ?? null,
    hasHubToken: (env['HF_TOKEN'] ?? '') !== '',
    isOffline: context.offline,
  };
  throwIfAborted(signal);
  return facts;
}

async function measuredThreads(
  options: InspectMachineOptions,
): Promise<readonly MeasuredThreads[]> {
  const machine = thisMachine();
  const { threads } = await profileStore(options).remembered(localProfileName(machine), machine);
  return threads;
}

async function modelFact(name: string, options: InspectMachineOptions): Promise<ModelFact> {
  const bytes = KNOWN_MODELS.find((model) => model.name === name)?.bytes ?? 0;
  try {
    const { env, signal, onProgress, onNotice } = options;
    const found = await findModel(name, { env, signal, onProgress, onNotice });
    return { name, bytes, path: found?.path ?? null, problem: null };
  } catch (error) {
    throwIfAborted(options.signal);
    if (!PilotfishError.isInstance(error)) throw error;
    return { name, bytes, path: null, problem: error.message };
  }
}

async function pipCommand({ env, signal }: InspectMachineOptions): Promise<string | null> {
  try {
    return (await findPip(catalogContext({ env, signal }))).join(' ');
  } catch {
    // Not there; or cancelled, which the caller notices.
    return null;
  }
}

/** The folder, or the nearest one above it that is there. */
async function nearestExisting(folder: string): Promise<string> {
  for (let current = folder; ; current = dirname(current)) {
    const isThere = await access(current).then(
      () => true,
      () => false,
    );
    if (isThere || current === dirname(current)) return current;
  }
}

async function writeProblem(folder: string): Promise<string | null> {
  try {
    await access(folder, constants.W_OK);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
