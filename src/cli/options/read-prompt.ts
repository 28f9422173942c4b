/** The prompt of a command: its argument, or standard input. */
import { abortError, PilotfishError } from '../../core/errors.ts';
import type { CliIo } from '../io.ts';

/** Far more than any context window holds. A longer input is not a prompt. */
export const PROMPT_BYTES_MAX: number = 4 * 1024 * 1024;

const STANDARD_INPUT = '-';

export interface ReadPromptOptions {
  /** Keep the line end of standard input, for a raw prompt. */
  readonly exact: boolean;
}

/** @throws PilotfishError `prompt-empty`, `prompt-too-long`, `option-invalid`, `aborted` */
export async function readPrompt(
  argument: string | undefined,
  io: CliIo,
  { exact }: ReadPromptOptions,
): Promise<string> {
  if (argument !== undefined && argument !== STANDARD_INPUT) return checked(argument);
  if (argument === undefined && io.inputIsTerminal) throw emptyPrompt();
  const text = await readAll(io);
  // `echo prompt | pilotfish ask` means the text, not the line end that echo adds.
  return checked(exact ? text : text.replace(/\r?\n$/, ''));
}

/** Returns the prompt if it is valid. @throws PilotfishError `prompt-empty`, `prompt-too-long` */
export function checked(prompt: string): string {
  if (Buffer.byteLength(prompt) > PROMPT_BYTES_MAX) throw longPrompt();
  if (prompt.trim() === '') throw emptyPrompt();
  return prompt;
}

async function readAll(io: CliIo): Promise<string> {
  return decode(await readBytes(io, PROMPT_BYTES_MAX, longPrompt));
}

/**
 * Reads standard input, or another stream, to its end.
 * @throws PilotfishError `aborted`; the error of `tooLong` past the limit of bytes
 */
export async function readBytes(
  io: Pick<CliIo, 'input' | 'signal'>,
  byteCountMax: number,
  tooLong: () => PilotfishError,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let byteCount = 0;
  const stop = (): void => {
    // Ends the loop below, which may wait for a writer that never comes.
    if ('destroy' in io.input && typeof io.input.destroy === 'function') io.input.destroy();
  };
  io.signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const chunk of io.input) {
      const bytes = Buffer.from(chunk);
      byteCount += bytes.length;
      if (byteCount > byteCountMax) throw tooLong();
      chunks.push(bytes);
    }
  } catch (error) {
    if (io.signal.aborted) throw abortError(io.signal);
    throw error;
  } finally {
    io.signal.removeEventListener('abort', stop);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PilotfishError('option-invalid', 'The prompt on standard input is not UTF-8.', {
      remedy: 'Convert it, for example with iconv.',
      cause,
    });
  }
}

function emptyPrompt(): PilotfishError {
  return new PilotfishError('prompt-empty', 'The prompt is empty.', {
    remedy: 'Give a prompt as the argument, or pipe one in.',
  });
}

function longPrompt(): PilotfishError {
  const limit = `${PROMPT_BYTES_MAX / 1024 / 1024} MiB`;
  return new PilotfishError('prompt-too-long', `The prompt is longer than ${limit}.`, {
    remedy: `Give at most ${limit}.`,
    fields: { byteCountMax: PROMPT_BYTES_MAX },
  });
}
