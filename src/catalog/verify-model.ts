/** Hashes a model again despite its receipt, for a user who doubts a disk. */
import { PilotfishError } from '../core/errors.ts';
import { fileDigest } from '../storage/file-digest.ts';
import { catalogContext, type EnsureModelOptions } from './catalog-context.ts';
import { ANOTHER_HOME } from './file-system-error.ts';
import { givenFile, type LocalModel, ownFile } from './find-model.ts';
import {
  expectedDigests,
  foreignCandidates,
  type LocalCandidate,
  ownCandidate,
} from './local-candidates.ts';
import { type ModelReference, parseModelReference } from './model-reference.ts';
import { digestMismatch } from './partial-file.ts';
import { distrust, readReceipt, writeReceipt } from './receipt.ts';

/**
 * @returns the model with its digest; a file given by its path is hashed and compared with nothing
 * @throws PilotfishError `digest-mismatch`, after which the file is not used until it is replaced;
 *   `model-unknown`, `model-file-missing`, `file-system-failed`, `aborted`
 */
export async function verifyModel(
  name: string,
  options: EnsureModelOptions = {},
): Promise<LocalModel> {
  const context = catalogContext(options);
  const reference = parseModelReference(name);
  const label = `Verifying ${reference.name}`;
  if (reference.kind === 'path') {
    const given = await givenFile(reference.name, reference.path);
    return { ...given, sha256: await fileDigest(given.path, label, context) };
  }
  // It is hashed before every use, and so here.
  if (reference.kind === 'bundled') return ownFile(reference, context);
  const candidate =
    (await ownCandidate(reference, context)) ?? (await foreignCandidates(reference, context))[0];
  if (candidate === undefined) throw notHere(reference);
  const { path, receiptPath, from } = candidate;
  const receipt = await readReceipt(receiptPath);
  const sha256 = await fileDigest(path, label, { ...context, otherwise: ANOTHER_HOME });
  const expected = expectedDigests(candidate, receipt);
  if (expected.length > 0 && !expected.includes(sha256)) {
    if (receipt !== null) await distrust(receiptPath, receipt);
    throw mismatch(candidate, expected.join(' or '), sha256);
  }
  const source = from === 'cache' ? (receipt?.source ?? 'cache') : from;
  await writeReceipt(receiptPath, path, { sha256, source });
  return { name: reference.name, path, source: from, sha256 };
}

function mismatch(candidate: LocalCandidate, expected: string, actual: string): PilotfishError {
  const { name, path, from } = candidate;
  const remedy =
    from === 'cache'
      ? `Run "pilotfish models pull ${name}": it replaces the file.`
      : `Delete ${path}, or run "pilotfish models pull ${name}" for a copy of our own.`;
  return digestMismatch(name, { path, expected, actual }, remedy);
}

function notHere({ name }: ModelReference): PilotfishError {
  return new PilotfishError('model-file-missing', `${name} is not on this machine.`, {
    remedy: `Run "pilotfish models pull ${name}".`,
    fields: { model: name },
  });
}
