/**
 * Finds a model on this machine, without the network: the given path, our own cache, the caches of
 * the hub's client and of llama.cpp.
 * Invariant: every returned file was hashed, now or before with no change since. The exception is a
 * path that the user gave: the user vouches for it.
 */
import { PilotfishError } from '../core/errors.ts';
import { fileDigest } from '../storage/file-digest.ts';
import { partPaths } from '../storage/split-file.ts';
import { checkedBundled } from './bundled-models.ts';
import { type CatalogContext, catalogContext, type EnsureModelOptions } from './catalog-context.ts';
import { ANOTHER_HOME } from './file-system-error.ts';
import {
  expectedDigests,
  foreignCandidates,
  type LocalCandidate,
  ownCandidate,
  sizeOfFile,
} from './local-candidates.ts';
import {
  type ModelReference,
  type PullableReference,
  parseModelReference,
} from './model-reference.ts';
import { isTrusted, type ModelSource, readReceipt, writeReceipt } from './receipt.ts';

export interface LocalModel {
  readonly name: string;
  readonly path: string;
  /**
   * Where this call found or pulled the model; later calls find it in our own cache, as `cache`.
   */
  readonly source: ModelSource;
  /** Null for a file given by its path: such a file is not hashed. */
  readonly sha256: string | null;
}

/**
 * Never pulls.
 * @returns null if the model is not on this machine, or only with wrong bytes (`onNotice` says so)
 * @throws PilotfishError `model-unknown`, `model-file-missing`, `file-system-failed`, `aborted`
 */
export async function findModel(
  name: string,
  options: EnsureModelOptions = {},
): Promise<LocalModel | null> {
  const context = catalogContext(options);
  const reference = parseModelReference(name);
  return isPullable(reference) ? findLocal(reference, context) : ownFile(reference, context);
}

export function isPullable(reference: ModelReference): reference is PullableReference {
  return reference.kind === 'known' || reference.kind === 'hub';
}

/** A file that the user gave or that comes with this package. @throws PilotfishError */
export async function ownFile(
  reference: Exclude<ModelReference, PullableReference>,
  context: CatalogContext,
): Promise<LocalModel> {
  const { name } = reference;
  if (reference.kind === 'path') return givenFile(name, reference.path);
  const path = await checkedBundled(reference.model, context);
  return { name, path, source: 'package', sha256: reference.model.sha256 };
}

/** @throws PilotfishError `model-file-missing`, `model-file-invalid` for a later part of a split model */
export async function givenFile(name: string, path: string): Promise<LocalModel> {
  if ((await sizeOfFile(path)) !== null) {
    await partPaths(path);
    return { name, path, source: 'path', sha256: null };
  }
  throw new PilotfishError('model-file-missing', `There is no file at ${path}.`, {
    remedy: 'Check the path; "pilotfish models list" shows the models known by name.',
    fields: { model: name, path },
  });
}

export async function findLocal(
  reference: PullableReference,
  context: CatalogContext,
): Promise<LocalModel | null> {
  const own = await findInOwnCache(reference, context);
  if (own !== null) return own;
  for (const candidate of await foreignCandidates(reference, context)) {
    const found = await checked(candidate, context);
    if (found !== null) return found;
  }
  return null;
}

export async function findInOwnCache(
  reference: PullableReference,
  context: CatalogContext,
): Promise<LocalModel | null> {
  const candidate = await ownCandidate(reference, context);
  return candidate === null ? null : checked(candidate, context);
}

/** The file if its receipt holds or it has an allowed digest; otherwise null and a notice. */
async function checked(
  candidate: LocalCandidate,
  context: CatalogContext,
): Promise<LocalModel | null> {
  const { name, path, receiptPath, from } = candidate;
  const receipt = await readReceipt(receiptPath);
  if (receipt !== null && (await isTrusted(receipt, path))) {
    return { name, path, source: from, sha256: receipt.sha256 };
  }
  const sha256 = await fileDigest(path, `Verifying ${name}`, {
    ...context,
    otherwise: ANOTHER_HOME,
  });
  const expected = expectedDigests(candidate, receipt);
  if (expected.length === 0) {
    context.onNotice(
      `There is no digest to check ${path} against; its current digest is recorded.`,
    );
  } else if (!expected.includes(sha256)) {
    const wanted = expected.join(' or ');
    context.onNotice(`${path} is not used: its sha256 is ${sha256}, that of ${name} is ${wanted}.`);
    return null;
  }
  const source = from === 'cache' ? (receipt?.source ?? 'cache') : from;
  await writeReceipt(receiptPath, path, { sha256, source });
  return { name, path, source: from, sha256 };
}
