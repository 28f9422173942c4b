/** The known models and the models on this machine, without hashing or loading any. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../storage/file-error.ts';
import { BUNDLED_MODELS, type BundledModel, bundledPath } from './bundled-models.ts';
import {
  type CatalogContext,
  catalogContext,
  type EnsureModelOptions,
  modelsFolder,
} from './catalog-context.ts';
import { fileSystemError } from './file-system-error.ts';
import { KNOWN_MODELS, type KnownModel, type ModelCard } from './known-models.ts';
import { foreignCandidates, ownCandidate } from './local-candidates.ts';
import { modelNameAt, modelTarget } from './model-target.ts';
import { partialPath } from './partial-file.ts';
import { isTrusted, type ModelSource, ownReceiptPath, readReceipt } from './receipt.ts';

export interface ListedModel {
  readonly name: string;
  readonly state: 'present' | 'partial' | 'absent';
  /** The source of its bytes or, for a cache of another program, their place. */
  readonly source: ModelSource | null;
  readonly path: string | null;
  /** The size of the whole file; null while it is unknown. */
  readonly bytes: number | null;
  readonly bytesOnDisk: number;
  /** True if the file has not changed since it was hashed. */
  readonly isVerified: boolean;
  /** Null for a file that is in none of our tables. */
  readonly card: ModelCard | null;
}

/**
 * Known models first, in the order of the table, then bundled ones, then all others.
 * @throws PilotfishError `file-system-failed`
 */
export async function listModels(
  options: EnsureModelOptions = {},
): Promise<readonly ListedModel[]> {
  const context = catalogContext(options);
  const known = await Promise.all(KNOWN_MODELS.map((model) => listKnown(model, context)));
  const listed = new Set(known.map(({ name }) => name));
  const others: ListedModel[] = [];
  for (const path of await modelPaths(context)) {
    const name = modelNameAt(path, context);
    if (!listed.has(name)) others.push(await listFile(name, path, null));
  }
  const bundled = await Promise.all(BUNDLED_MODELS.map(listBundled));
  return [...known, ...bundled, ...others];
}

/** A bundled model counts as verified if its size is right: it is hashed before every use. */
async function listBundled(model: BundledModel): Promise<ListedModel> {
  const path = bundledPath(model);
  const bytes = (await stat(path).catch(() => null))?.size ?? null;
  return {
    name: model.name,
    state: bytes === null ? 'absent' : 'present',
    source: bytes === null ? null : 'package',
    path: bytes === null ? null : path,
    bytes: bytes ?? model.bytes,
    bytesOnDisk: bytes ?? 0,
    isVerified: bytes === model.bytes,
    card: model,
  };
}

async function listKnown(model: KnownModel, context: CatalogContext): Promise<ListedModel> {
  const reference = { kind: 'known', name: model.name, model } as const;
  const own = await ownCandidate(reference, context);
  const target = modelTarget(reference, context);
  if (own !== null) return listFile(model.name, target, model);
  const [foreign] = await foreignCandidates(reference, context);
  if (foreign === undefined) return listFile(model.name, target, model);
  const receipt = await readReceipt(foreign.receiptPath);
  return {
    name: model.name,
    state: 'present',
    source: foreign.from,
    path: foreign.path,
    bytes: foreign.bytes,
    bytesOnDisk: foreign.bytes,
    isVerified: receipt !== null && (await isTrusted(receipt, foreign.path)),
    card: model,
  };
}

/** The state of one path in our own cache. */
async function listFile(name: string, path: string, card: ModelCard | null): Promise<ListedModel> {
  const bytes = (await stat(path).catch(() => null))?.size;
  const partialBytes = (await stat(partialPath(path)).catch(() => null))?.size;
  if (bytes === undefined) {
    return {
      name,
      state: partialBytes === undefined ? 'absent' : 'partial',
      source: null,
      path: partialBytes === undefined ? null : partialPath(path),
      bytes: card?.bytes ?? null,
      bytesOnDisk: partialBytes ?? 0,
      isVerified: false,
      card,
    };
  }
  const receipt = await readReceipt(ownReceiptPath(path));
  return {
    name,
    state: 'present',
    source: receipt?.source ?? 'cache',
    path,
    bytes,
    bytesOnDisk: bytes,
    isVerified: receipt !== null && (await isTrusted(receipt, path)),
    card,
  };
}

/** Every whole or partial model file of our own cache, as the path of the whole file. */
async function modelPaths(context: CatalogContext): Promise<readonly string[]> {
  const folder = modelsFolder(context);
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
    const paths = files.map((entry) => join(entry.parentPath, entry.name));
    const whole = paths.map((path) => path.replace(/\.partial$/, ''));
    return [...new Set(whole.filter((path) => path.endsWith('.gguf')))].sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw fileSystemError(error, 'read', folder);
  }
}
