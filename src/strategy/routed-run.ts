/**
 * The tokens that the large model writes where a gate asks for them. A call costs a round trip, and the
 * tokens that a gate asks for often stand together: one call may write a short run, and the next token of
 * it is at hand if the gate asks again. If the gate keeps the small model's token instead, the rest of
 * the run is dropped.
 */
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { Session } from '../session/session.ts';
import type { Round } from './strategy.ts';

export interface RoutedRunOptions {
  readonly reads: RowReads;
  /** The most tokens of one call; 1: every token is a call. */
  readonly lengthMax: number;
}

interface Run {
  readonly rows: AsyncGenerator<RowResult, void, undefined>;
  /** The length of the text that its next token stands behind, if all its tokens were committed. */
  readonly textLength: number;
  readonly leftCount: number;
}

export class RoutedRun {
  readonly #large: () => Session;
  readonly #options: RoutedRunOptions;
  #run: Run | null = null;

  /** @param large opened at the first token */
  constructor(large: () => Session, options: RoutedRunOptions) {
    this.#large = large;
    this.#options = options;
  }

  /** @throws as `Session.rows` */
  async next({ text, tokenCountMax }: Round): Promise<RowResult> {
    const { reads, lengthMax } = this.#options;
    if (lengthMax === 1) {
      const asked = { text, outputCount: 1, purpose: 'correct', reads } as const;
      const [row] = await this.#large().rows(asked);
      return required(row, 'one output row');
    }
    // Only its own tokens can have made the text so long: each was committed before the next question.
    const isNext = this.#run?.textLength === text.length && this.#run.leftCount > 0;
    if (!isNext) await this.#run?.rows.return();
    const run = isNext ? required(this.#run, 'a run') : this.#begin({ text, tokenCountMax });
    const { rows, leftCount } = run;
    this.#run = { rows, textLength: text.length + 1, leftCount: leftCount - 1 };
    const next = await rows.next();
    return required(next.done === true ? null : next.value, 'a run has the tokens asked for');
  }

  #begin({ text, tokenCountMax }: Round): Run {
    const { reads, lengthMax } = this.#options;
    const leftCount = Math.min(lengthMax, tokenCountMax);
    const until = { tokenCountMax: leftCount };
    const rows = this.#large().write({ text, until, purpose: 'correct', reads });
    return { rows, textLength: text.length, leftCount };
  }
}
