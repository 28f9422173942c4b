/** Models by name: listing, pulling, inspecting and verifying them. None of it loads a model. */
import { bundledModel } from '../catalog/bundled-models.ts';
import { type EnsureModelOptions, ensureModel, findModel } from '../catalog/ensure-model.ts';
import type { LocalModel } from '../catalog/find-model.ts';
import { knownModel, type ModelCard } from '../catalog/known-models.ts';
import { DEFAULT_PAIR, KNOWN_PAIRS, parsePair } from '../catalog/known-pairs.ts';
import { type ListedModel, listModels as listFiles } from '../catalog/list-models.ts';
import { parseModelReference } from '../catalog/model-reference.ts';
import { verifyModel } from '../catalog/verify-model.ts';
import { PilotfishError } from '../core/errors.ts';
import type { ModelFileFacts } from '../model/llama-cpp/model-file.ts';

const PAIR_ROLES = ['small', 'large', 'reward'] as const;

type PairRole = (typeof PAIR_ROLES)[number];

export interface PairedModel extends ListedModel {
  /** The known pairs that the model belongs to. */
  readonly pairs: readonly { readonly pair: string; readonly role: PairRole }[];
}

/**
 * Lists the known models and all others that were pulled. It hashes nothing.
 * @throws PilotfishError `file-system-failed`
 */
export async function listModels(
  options: EnsureModelOptions = {},
): Promise<readonly PairedModel[]> {
  const models = await listFiles(options);
  return models.map((model) => ({ ...model, pairs: pairsOf(model.name) }));
}

function pairsOf(name: string): PairedModel['pairs'] {
  return KNOWN_PAIRS.flatMap((pair) =>
    PAIR_ROLES.filter((role) => pair[role] === name).map((role) => ({ pair: pair.name, role })),
  );
}

export interface PullModelsOptions extends EnsureModelOptions {
  /** Known names, paths of .gguf files, or `hub:owner/repo/file`. */
  readonly models?: readonly string[] | undefined;
  /** Also the models of a known pair. If neither is given, the default pair is pulled. */
  readonly pair?: string | undefined;
  /** Called for each model as soon as it is on this machine. */
  readonly onModel?: ((model: LocalModel) => void) | undefined;
}

/**
 * Fetches models that are missing, and continues interrupted pulls. It checks all names before the
 * first pull.
 * @throws PilotfishError `pair-unknown`, `model-unknown`, `model-file-missing`,
 *   `source-unavailable`, `download-failed`, `digest-mismatch`, `disk-full`, `file-system-failed`,
 *   `aborted`
 */
export async function pullModels(options: PullModelsOptions = {}): Promise<readonly LocalModel[]> {
  const { models = [], pair, onModel } = options;
  const named = [...models, ...(pair === undefined ? [] : pairNames(pair))];
  const wanted = named.length > 0 ? named : pairNames(DEFAULT_PAIR.name);
  for (const name of wanted) parseModelReference(name);
  const pulled: LocalModel[] = [];
  for (const name of new Set(wanted)) {
    const model = await ensureModel(name, options);
    onModel?.(model);
    pulled.push(model);
  }
  return pulled;
}

/** @throws PilotfishError `pair-unknown` */
export function pairNames(pair: string): readonly string[] {
  const { small, large, reward } = parsePair(pair);
  return [small, large, ...(reward === undefined ? [] : [reward])];
}

export interface InspectedModel {
  readonly model: LocalModel;
  readonly file: ModelFileFacts;
  /** The package's facts about the model; null for a model that is in no table. */
  readonly card: ModelCard | null;
}

/**
 * Reads the facts in the file of a model that is on this machine.
 * @param readFile tests replace it
 * @throws PilotfishError `model-file-missing` if the model is not on this machine, `model-unknown`,
 *   `model-file-invalid`, `library-missing`, `library-mismatch`
 */
export async function inspectModel(
  name: string,
  options: EnsureModelOptions = {},
  readFile: (path: string) => Promise<ModelFileFacts> = readModelFile,
): Promise<InspectedModel> {
  const model = await findModel(name, options);
  if (model === null) {
    throw new PilotfishError('model-file-missing', `${name} is not on this machine.`, {
      remedy: `Run "pilotfish models pull ${name}".`,
      fields: { model: name },
    });
  }
  const card = knownModel(model.name) ?? bundledModel(model.name);
  return { model, file: await readFile(model.path), card };
}

/** Loads the native library only now: listing and pulling must work without it. */
async function readModelFile(path: string): Promise<ModelFileFacts> {
  const module = await import('../model/llama-cpp/model-file.ts');
  return module.readModelFile(path);
}

export interface VerifiedModel {
  readonly name: string;
  /** Whether the file has the digest that it should have. */
  readonly isRight: boolean;
  readonly path: string;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string | null;
}

export interface VerifyModelsOptions extends EnsureModelOptions {
  /** Default: all models on this machine. */
  readonly models?: readonly string[] | undefined;
  /** Called for each model as soon as it is hashed. */
  readonly onModel?: ((model: VerifiedModel) => void) | undefined;
}

/**
 * Hashes models again, whether or not they seem unchanged.
 * @throws PilotfishError the first `digest-mismatch`, after all were hashed; `model-unknown`,
 *   `model-file-missing`, `file-system-failed`, `aborted`
 */
export async function verifyModels(
  options: VerifyModelsOptions = {},
): Promise<readonly VerifiedModel[]> {
  const { models = [], onModel } = options;
  const names = models.length > 0 ? models : await namesHere(options);
  const verified: VerifiedModel[] = [];
  let firstMismatch: PilotfishError | null = null;
  for (const name of new Set(names)) {
    const { mismatch, ...model } = await verifyOne(name, options);
    firstMismatch ??= mismatch;
    onModel?.(model);
    verified.push(model);
  }
  if (firstMismatch !== null) throw firstMismatch;
  return verified;
}

async function verifyOne(
  name: string,
  options: EnsureModelOptions,
): Promise<VerifiedModel & { readonly mismatch: PilotfishError | null }> {
  try {
    const { path, sha256 } = await verifyModel(name, options);
    return { name, isRight: true, path, sha256, mismatch: null };
  } catch (error) {
    if (!PilotfishError.isInstance(error) || error.code !== 'digest-mismatch') throw error;
    const { path = null, actual = null } = error.fields;
    return { name, isRight: false, path: String(path), sha256: String(actual), mismatch: error };
  }
}

async function namesHere(options: EnsureModelOptions): Promise<readonly string[]> {
  const models = await listFiles(options);
  return models.filter(({ state }) => state === 'present').map(({ name }) => name);
}
