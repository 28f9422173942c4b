/** Facts that decide whether Pilotfish can run on this machine: the work behind `pilotfish doctor`. */
import { access, constants } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import {
  type CatalogContext,
  catalogContext,
  type EnsureModelOptions,
} from '../catalog/catalog-context.ts';
import { findModel } from '../catalog/find-model.ts';
import { KNOWN_MODELS } from '../catalog/known-models.ts';
import { DEFAULT_PAIR } from '../catalog/known-pairs.ts';
import { findPip } from '../catalog/pip-command.ts';
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { MeasuredThreads } from '../machines/machine-profile.ts';
import { inspectLibrary, type LibraryReport } from '../model/llama-cpp/library-report.ts';
import { availableMemoryBytes } from '../model/llama-cpp/memory-estimate.ts';
import { serverNames } from './elsewhere/named-servers.ts';
import { type InspectedServer, inspectServer } from './inspect-server.ts';
import { localProfileName, profileStore, thisMachine } from './machine/local-profile.ts';

export interface ModelFact {
  readonly name: string;
  readonly bytes: number;
  readonly path: string | null;
  /** The reason why the search for it failed; null if it did not. */
  readonly problem: string | null;
}

/** A large model on a server that the user has named. */
export interface ServerFact {
  readonly name: string;
  /** Null: it was not reached. */
  readonly server: InspectedServer | null;
  readonly problem: { readonly text: string; readonly remedy: string | null } | null;
}

export interface MachineFacts {
  readonly nodeVersion: string;
  /** For example `linux-x64`. */
  readonly platform: string;
  readonly cpuCount: number;
  /** The measured number of threads that decodes each model fastest. */
  readonly threads: readonly MeasuredThreads[];
  readonly availableMemoryBytes: number;
  readonly library: LibraryReport;
  readonly home: string;
  /** The reason why nothing can be written there; null if there is none. */
  readonly homeProblem: string | null;
  readonly freeDiskBytes: number | null;
  readonly pair: string;
  readonly models: readonly ModelFact[];
  readonly servers: readonly ServerFact[];
  /** The command that answers as pip; null if none does. */
  readonly pip: string | null;
  readonly hubEndpoint: string | null;
  readonly hasHubToken: boolean;
  readonly isOffline: boolean;
}

/**
 * Collects the facts. It downloads nothing, but may store the digest of a model that it finds.
 * @throws PilotfishError `aborted`
 */
export async function inspectMachine(options: EnsureModelOptions = {}): Promise<MachineFacts> {
  const context = catalogContext(options);
  const { env, signal } = context;
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
    servers: await serverFacts(context),
    pip: await pipCommand(context),
    hubEndpoint: env['HF_ENDPOINT'] ?? null,
    hasHubToken: (env['HF_TOKEN'] ?? '') !== '',
    isOffline: context.offline,
  };
  throwIfAborted(signal);
  return facts;
}

async function measuredThreads(options: EnsureModelOptions): Promise<readonly MeasuredThreads[]> {
  const machine = thisMachine();
  const { threads } = await profileStore(options).remembered(localProfileName(machine), machine);
  return threads;
}

async function modelFact(name: string, options: EnsureModelOptions): Promise<ModelFact> {
  const bytes = KNOWN_MODELS.find((model) => model.name === name)?.bytes ?? 0;
  try {
    const found = await findModel(name, options);
    return { name, bytes, path: found?.path ?? null, problem: null };
  } catch (error) {
    throwIfAborted(options.signal);
    if (!PilotfishError.isInstance(error)) throw error;
    return { name, bytes, path: null, problem: error.message };
  }
}

async function serverFacts({ env, signal }: CatalogContext): Promise<readonly ServerFact[]> {
  try {
    const names = await serverNames(env);
    return await Promise.all(
      names.map((name) =>
        inspectServer(name, { env, signal }).then(
          (server) => ({ name, server, problem: null }),
          (error: unknown) => unreached(name, error),
        ),
      ),
    );
  } catch (error) {
    return [unreached('models.yaml', error)];
  }
}

function unreached(name: string, error: unknown): ServerFact {
  if (!PilotfishError.isInstance(error)) throw error;
  return { name, server: null, problem: { text: error.message, remedy: error.remedy } };
}

async function pipCommand(context: CatalogContext): Promise<string | null> {
  try {
    return (await findPip(context)).join(' ');
  } catch {
    // Pip is missing, or the search was cancelled, which the caller notices.
    return null;
  }
}

/** The folder itself or the nearest existing folder above it. */
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
