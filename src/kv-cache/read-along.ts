/** Reads a known text into a sequence and returns its rows: teacher forcing. */
import { throwIfAborted } from '../core/errors.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Sequence } from '../model/roles.ts';

export interface ReadAlongOptions {
  /** Rows from this position on have outputs; what comes before is read without. */
  readonly outputFrom: number;
  readonly program: RowProgram;
  /** Most rows of one forward. */
  readonly rowCountMax: number;
  readonly signal?: AbortSignal;
}

/**
 * Feeds what the sequence has not read yet of a text that begins with what it has.
 * @returns the rows from `outputFrom` on that were fed now
 * @throws PilotfishError as `Sequence.forward`; the sequence then holds a prefix of the text
 */
export async function readAlong(
  sequence: Sequence,
  text: readonly TokenId[],
  { outputFrom, program, rowCountMax, signal }: ReadAlongOptions,
): Promise<readonly RowResult[]> {
  const rows: RowResult[] = [];
  while (sequence.length < text.length) {
    throwIfAborted(signal);
    const from = sequence.length;
    // A forward has outputs or none: rows without them are cheaper.
    const hasOutputs = from >= outputFrom;
    const end = hasOutputs ? text.length : outputFrom;
    const tokens = text.slice(from, Math.min(end, from + rowCountMax));
    const forward = await sequence.forward(
      { tokens, outputFrom: hasOutputs ? 0 : tokens.length, program },
      signal,
    );
    rows.push(...forward.rows);
  }
  return rows;
}
