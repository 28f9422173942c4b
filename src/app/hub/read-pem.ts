/** Certificates and private keys that a user names. */
import { PilotfishError } from '../../core/errors.ts';
import { readGiven } from '../../storage/whole-file.ts';

const PEM_BYTE_COUNT_MAX = 2 ** 20;

/** @throws PilotfishError `option-invalid`, `file-system-failed` */
export async function readPem(path: string, option: string): Promise<string> {
  const tooLarge = (): PilotfishError =>
    new PilotfishError('option-invalid', `${option} is ${path}, which is too large for PEM.`, {
      remedy: `Give ${option} as a file in PEM.`,
      fields: { option, value: path },
    });
  const bytes = await readGiven({ path, byteCountMax: PEM_BYTE_COUNT_MAX, tooLarge });
  return bytes.toString('utf8');
}
