/**
 * Measures thoroughly what forwards of given models cost on this machine, and saves a profile: the
 * work behind `pilotfish bench steps`.
 */
import { type EnsureModelOptions, ensureModel } from '../catalog/ensure-model.ts';
import { DEFAULT_PAIR } from '../catalog/known-pairs.ts';
import { parseModelReference } from '../catalog/model-reference.ts';
import type { Progressing } from '../core/progress.ts';
import {
  type MeasuredModel,
  type MeasuredProfile,
  type MeasuredThreads,
  withModel,
  withThreads,
} from '../machines/machine-profile.ts';
import { FULL_PLAN, measureModel, QUIET_SPREAD_MAX } from '../machines/measure-model.ts';
import { tuneThreads } from '../machines/measure-threads.ts';
import type { ProfileStore } from '../machines/profile-store.ts';
import { type LlamaCppModel, loadModel } from '../model/llama-cpp/model.ts';
import { readModelFile } from '../model/llama-cpp/model-file.ts';
import {
  isBusy,
  localProfileName,
  profileStore,
  shortName,
  thisMachine,
} from './machine/local-profile.ts';
import { pairNames } from './models.ts';

/** Room for the longest measured cache and the widest forward; a model may allow less. */
const CONTEXT_LENGTH = 1024;

export interface MeasureStepsOptions extends EnsureModelOptions {
  /** Known names, paths of .gguf files, or `hub:owner/repo/file`; default: both of the pair. */
  readonly models?: readonly string[] | undefined;
  /** A known pair; default: `qwen2.5-coder`. */
  readonly pair?: string | undefined;
  /** The name of the profile; default: a name of this machine. */
  readonly profile?: string | undefined;
  /** Default: the number that decodes each model fastest, measured anew. */
  readonly threadCount?: number | undefined;
}

export interface MeasuredSteps {
  readonly profile: MeasuredProfile;
  /** The path of the saved profile. */
  readonly path: string;
  /** The models measured now. The profile may also hold earlier ones. */
  readonly models: readonly MeasuredModel[];
  /** False if other work disturbed the measurement. */
  readonly isQuiet: boolean;
}

/**
 * Measures what forwards of the models cost by their number of rows, and saves a profile after each
 * model, so that an interrupted run keeps its results. Other work on the machine falsifies them.
 * @throws PilotfishError `option-invalid`, `profile-invalid`, `file-system-failed`, `aborted`, and what
 *   finding, pulling and loading models throw
 */
export async function measureSteps(options: MeasureStepsOptions = {}): Promise<MeasuredSteps> {
  // Impossible requests fail here, not after minutes of measuring.
  const store = profileStore(options);
  let profile = await openProfile(store, options);
  const files = await findFiles(options);
  // Read before measuring, which itself takes all processors.
  const wasBusy = isBusy();
  const measured: MeasuredModel[] = [];
  let path = '';
  for (const file of files) {
    const { costs, threads } = await measureOne(file, options);
    measured.push(costs);
    profile = withModel(profile, costs);
    if (threads !== null && !wasBusy) profile = withThreads(profile, threads);
    // Saved after each model, so that an interrupted run keeps its results.
    path = await store.save(profile);
  }
  const isQuiet = !wasBusy && measured.every(({ spread }) => spread <= QUIET_SPREAD_MAX);
  return { profile, path, models: measured, isQuiet };
}

/** A name that the user chose may belong to a profile that must not be lost. */
async function openProfile(
  store: ProfileStore,
  { profile, threadCount }: MeasureStepsOptions,
): Promise<MeasuredProfile> {
  const machine = thisMachine();
  if (profile !== undefined) return await store.ownNamed(profile, machine);
  const name = localProfileName(machine, threadCount);
  await store.checkVersion(name);
  return await store.remembered(name, machine);
}

interface SteppedFile {
  readonly name: string;
  readonly path: string;
  /** The context length of the training; 0 if the file does not say. */
  readonly contextLengthMax: number;
}

/** Finds or pulls all models first, so that a mistyped last name costs no measurement. */
async function findFiles(options: MeasureStepsOptions): Promise<readonly SteppedFile[]> {
  const ofPair = pairNames(options.pair ?? DEFAULT_PAIR.name);
  const models = new Set(options.models ?? ofPair);
  for (const model of models) parseModelReference(model);
  const files: SteppedFile[] = [];
  for (const model of models) {
    const { path } = await ensureModel(model, options);
    const { contextLengthMax } = await readModelFile(path);
    files.push({ name: shortName(model), path, contextLengthMax });
  }
  return files;
}

interface OneModel {
  readonly costs: MeasuredModel;
  /** Null where the user set the number of threads. */
  readonly threads: MeasuredThreads | null;
}

async function measureOne(file: SteppedFile, options: MeasureStepsOptions): Promise<OneModel> {
  await using model = await load(file, options);
  const { signal, onProgress } = options;
  const given: Progressing = { signal, onProgress };
  if (options.threadCount !== undefined) {
    return { costs: await measureModel(model, FULL_PLAN, given), threads: null };
  }
  const { isQuiet, ...threads } = await tuneThreads(model, thisMachine().processorCount, given);
  const costs = await measureModel(model, FULL_PLAN, given);
  return { costs, threads: isQuiet ? threads : null };
}

async function load(
  { name, path, contextLengthMax }: SteppedFile,
  options: MeasureStepsOptions,
): Promise<LlamaCppModel> {
  const { threadCount, signal, onProgress } = options;
  return loadModel(path, {
    name,
    contextLength: Math.min(CONTEXT_LENGTH, contextLengthMax || CONTEXT_LENGTH),
    ...{ threadCount, signal, onProgress },
  });
}
