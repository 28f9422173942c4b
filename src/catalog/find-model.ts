/**
 * Finds a model on this machine, without the network: a path as given, our own cache, the caches of
 * the hub's client and of llama.cpp.
 * Invariant: what it returns was hashed, now or at an unchanged earlier time, unless the user gave
 * the path: then it is theirs to vouch for.
 */
import { stat } from 'node:fs/promises';
import { PilotfishError } from '../core/errors.ts';
import { type CatalogContext, catalogContext, type EnsureModelOptions } from './catalog-context.ts';
import { fileDigest } from './file-digest.ts';
import { fileSystemError, isMissing } from './file-system-error.ts';
import { type ForeignFile, foreignFiles } from './foreign-caches.ts';
import { type PullableReference, parseModelReference } from './model-reference.ts';
import { modelTarget } from './model-target.ts';
import {
  foreignReceiptPath,
  isTrusted,
  type ModelSource,
  ownReceiptPath,
  readReceipt,
  writeReceipt,
} from './receipt.ts';

export interface LocalModel {
  readonly name: string;
  readonly path: string;
  /** Where this call found it or had it from; our own cache is `cache` ever after. */
  readonly source: ModelSource;
  /** Null for a file given by its path: it is not hashed. */
  readonly sha256: string | null;
}

/**
 * Never pulls.
 * @returns null if the model is not here, or only with wrong bytes (`onNotice` says so)
 * @throws PilotfishError `model-unknown`, `model-file-missing`, `file-system-failed`, `aborted`
 */
export async function findModel(
  name: string,
  options: EnsureModelOptions = {},
): Promise<LocalModel | null> {
  const context = catalogContext(options);
  const reference = parseModelReference(name);
  if (reference.kind === 'path') return givenFile(reference.name, reference.path);
  return (await findInOwnCache(reference, context)) ?? (await findInForeign(reference, context));
}

/** @throws PilotfishError `model-file-missing` */
export async function givenFile(name: string, path: string): Promise<LocalModel> {
  if (await isFile(path)) return { name, path, source: 'path', sha256: null };
  throw new PilotfishError('model-file-missing', `There is no file at ${path}.`, {
    remedy: 'Check the path; "pilotfish models list" shows the models known by name.',
    fields: { model: name, path },
  });
}

export async function findInOwnCache(
  reference: PullableReference,
  context: CatalogContext,
): Promise<LocalModel | null> {
  const path = modelTarget(reference, context);
  if (!(await isFile(path))) return null;
  const receiptPath = ownReceiptPath(path);
  const known = reference.kind === 'known' ? [reference.model.sha256] : [];
  const file: Candidate = { name: reference.name, path, receiptPath, from: 'cache' };
  return checked(file, known, context);
}

export async function findInForeign(
  reference: PullableReference,
  context: CatalogContext,
): Promise<LocalModel | null> {
  for (const file of await foreignFiles(reference, context)) {
    const { path, source } = file;
    const candidate: Candidate = {
      name: reference.name,
      path,
      receiptPath: foreignReceiptPath(path, context),
      from: source,
    };
    const allowed = allowedDigests(reference, file);
    // Hashing a gigabyte to learn what the size tells already helps nobody.
    if (!canBe(reference, file)) continue;
    const found = await checked(candidate, allowed, context);
    if (found !== null) return found;
  }
  return null;
}

/** False where the size alone shows that the file is not this model, such as a cut download. */
export function canBe(reference: PullableReference, file: ForeignFile): boolean {
  if (reference.kind !== 'known' || file.sha256 !== null) return true;
  return file.bytes === reference.model.bytes;
}

/** Its own cache's word counts as well as our table: the hub may have a newer file. */
function allowedDigests(reference: PullableReference, file: ForeignFile): readonly string[] {
  const known = reference.kind === 'known' ? [reference.model.sha256] : [];
  return file.sha256 === null ? known : [...known, file.sha256];
}

interface Candidate {
  readonly name: string;
  readonly path: string;
  readonly receiptPath: string;
  readonly from: 'cache' | ForeignFile['source'];
}

/** The file if its receipt holds or its bytes hash to what is allowed; else null and a notice. */
async function checked(
  file: Candidate,
  known: readonly string[],
  context: CatalogContext,
): Promise<LocalModel | null> {
  const { name, path, receiptPath, from } = file;
  const receipt = await readReceipt(receiptPath);
  if (receipt !== null && (await isTrusted(receipt, path))) {
    return { name, path, source: from, sha256: receipt.sha256 };
  }
  const sha256 = await fileDigest(path, `Verifying ${name}`, context);
  // For a file of our own, the receipt is the word of the hub it came from.
  const own = from === 'cache' && receipt !== null ? [receipt.sha256] : [];
  const allowed = [...own, ...known];
  if (allowed.length === 0) {
    context.onNotice(`There is no digest to check ${path} by; its bytes are noted as they are.`);
  } else if (!allowed.includes(sha256)) {
    context.onNotice(
      `${path} is not used: its sha256 is ${sha256}, that of ${name} is ${allowed.join(' or ')}.`,
    );
    return null;
  }
  const source = from === 'cache' ? (receipt?.source ?? 'cache') : from;
  await writeReceipt(receiptPath, path, { sha256, source });
  return { name, path, source: from, sha256 };
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw fileSystemError(error, 'read', path);
  }
}
