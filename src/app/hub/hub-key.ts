/** The keys of a hub or server: from a file, one a line, or from the environment. They are shown nowhere. */
import { type ErrorCode, PilotfishError } from '../../core/errors.ts';
import { readGiven } from '../../storage/whole-file.ts';

/** A key for which guessing is hopeless is much shorter, and a header has room for this. */
const KEY_LENGTH_MAX = 1024;
const FILE_BYTE_COUNT_MAX = 2 ** 20;
const KEY_VARIABLE = 'PILOTFISH_HUB_KEY';

export interface KeySource {
  readonly keyFile?: string | undefined;
  /** Default: that of the hub. */
  readonly variable?: string | undefined;
  /** Default: process.env. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * The file's keys; without a file, the variable's. Empty lines and lines that begin with # are left out.
 * @throws PilotfishError `option-invalid` for a file without keys or a key with other characters than
 *   visible ASCII, `file-system-failed`
 */
export async function readKeys({
  keyFile,
  variable = KEY_VARIABLE,
  env = process.env,
}: KeySource): Promise<string[]> {
  if (keyFile === undefined) {
    const key = env[variable] ?? '';
    return key === '' ? [] : [checkedKey(key, variable)];
  }
  const tooLarge = (): PilotfishError => invalid(`The key file ${keyFile} is too large.`, keyFile);
  const code: ErrorCode = 'option-invalid';
  const bytes = await readGiven({
    ...{ path: keyFile, action: 'read the key', byteCountMax: FILE_BYTE_COUNT_MAX, tooLarge, code },
  });
  const lines = bytes.toString('utf8').split(/\r?\n/);
  const keys = lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (keys.length === 0) throw invalid(`The key file ${keyFile} has no key.`, keyFile);
  return keys.map((key) => checkedKey(key, keyFile));
}

/** The message never shows the key. */
function checkedKey(key: string, source: string): string {
  if (key.length <= KEY_LENGTH_MAX && /^[\x21-\x7e]+$/.test(key)) return key;
  throw invalid(
    `A key in ${source} has characters that a header cannot carry, or too many.`,
    source,
  );
}

function invalid(message: string, source: string): PilotfishError {
  return new PilotfishError('option-invalid', message, {
    remedy: 'Give a file with a key on each line, such as the output of `openssl rand -hex 32`.',
    fields: { source },
  });
}
