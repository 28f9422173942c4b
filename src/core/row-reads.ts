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
  /**
   * The natural log-probabilities, before the sampling steps and the mask, of the program's
   * `scoredTokens`.
   */
  readonly tokenLogprobs?: boolean | undefined;
  /**
   * Both parts of the uncertainty by temperature perturbation (judging/perturbation.ts), from the
   * logits after bias, penalties and mask.
   */
  readonly perturbation?: boolean | undefined;
  /** The whole distribution after the sampling steps. */
  readonly distribution?: boolean | undefined;
  /** The final hidden state of the row, after the last norm. */
  readonly hidden?: boolean | undefined;
}

/** The largest valid value of `topLogprobs`. */
export const TOP_LOGPROBS_MAX = 64;

/** The answer to a reader where a model cannot give a value, as in "it gives no hidden states". */
const LACKS: Readonly<Record<keyof RowReads, string>> = {
  logprob: 'it gives no log-probabilities of its own tokens',
  uncertainty: 'it gives no entropies and margins',
  textLogprob: 'it gives no log-probabilities of given tokens',
  tokenLogprobs: 'it gives no log-probabilities of chosen tokens',
  perturbation: 'it gives no distributions at other temperatures',
  distribution: 'it gives no whole distributions',
  hidden: 'it gives no hidden states',
  topLogprobs: 'it gives fewer of the largest log-probabilities',
};

const NAMES = Object.keys(LACKS) as readonly (keyof RowReads)[];

const FLAGS = NAMES.filter((name) => name !== 'topLogprobs');

/** Every value, and as many log-probabilities as there are. */
export const ALL_READS: RowReads = {
  ...Object.fromEntries(FLAGS.map((name) => [name, true])),
  topLogprobs: Number.POSITIVE_INFINITY,
};

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
  return missingRead(all, some) === null;
}

/** The first value of `some` that rows with the reads `all` lack, in words; null: they have all. */
export function missingRead(all: RowReads, some: RowReads): string | null {
  const name = NAMES.find((value) => Number(some[value] ?? 0) > Number(all[value] ?? 0));
  return name === undefined ? null : LACKS[name];
}

/** Whether reading the values takes a pass over the logits: all do but hidden states. */
export function readsLogits(reads: RowReads): boolean {
  return NAMES.some((name) => name !== 'hidden' && Boolean(reads[name]));
}

/** A request for rows, or a program, that also reads `reads`. */
export function withReads<Asking extends RowReads>(asking: Asking, reads: RowReads): Asking {
  return { ...asking, ...joinReads(asking, reads) };
}
