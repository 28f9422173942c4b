/**
 * The values that are read off an output row beside its token. Gates request values with this
 * description, forwards compute by it, caches store by it, and routers are trained on it. To add a
 * value, declare it here and in `RowResult`, and compute it in `sampling/run-row-program.ts`.
 */

export interface RowReads {
  /** The natural log-probability of the row's token, before the sampling steps and the mask. */
  readonly logprob?: boolean | undefined;
  /**
   * The entropy (nats) and the top-2 margin of the distribution before the sampling steps, over the
   * allowed tokens where there is a mask.
   */
  readonly uncertainty?: boolean | undefined;
  /**
   * The number of the largest natural log-probabilities, from 0 (none) to `TOP_LOGPROBS_MAX`, of
   * the distribution before the sampling steps, over the allowed tokens if there is a mask. A row
   * may have more of them than a reader asked for, if another reader asked for more.
   */
  readonly topLogprobs?: number | undefined;
  /**
   * The natural log-probability, before the sampling steps and the mask, of the token that the text
   * of the program has at the position being decided.
   */
  readonly textLogprob?: boolean | undefined;
  /** The whole distribution after the sampling steps. */
  readonly distribution?: boolean | undefined;
  /** The final hidden state of the row, after the last norm. */
  readonly hidden?: boolean | undefined;
}

/** The largest valid value of `topLogprobs`. */
export const TOP_LOGPROBS_MAX = 64;

const FLAGS = ['logprob', 'uncertainty', 'textLogprob', 'distribution', 'hidden'] as const;

/** The smallest reads that serve every reader. Reads that no reader asks for are absent. */
export function joinReads(...all: readonly RowReads[]): RowReads {
  const joined: { -readonly [Name in keyof RowReads]: RowReads[Name] } = {};
  for (const name of FLAGS) if (all.some((reads) => reads[name] === true)) joined[name] = true;
  const topLogprobs = Math.max(0, ...all.map((reads) => reads.topLogprobs ?? 0));
  if (topLogprobs > 0) joined.topLogprobs = topLogprobs;
  return joined;
}

/** Whether rows with the reads `all` serve a reader that asks for `some`. */
export function coversReads(all: RowReads, some: RowReads): boolean {
  const hasFlags = FLAGS.every((name) => some[name] !== true || all[name] === true);
  return hasFlags && (some.topLogprobs ?? 0) <= (all.topLogprobs ?? 0);
}

/** A request for rows, or a program, that also reads `reads`. */
export function withReads<Asking extends RowReads>(asking: Asking, reads: RowReads): Asking {
  return { ...asking, ...joinReads(asking, reads) };
}
