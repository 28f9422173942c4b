/** Final answers in texts of which nothing is known, and votes on them. Pure. */

const NUMBER = /[-−]?\d[\d,]*(?:\.\d+)?/g;

/** The last number of a text, as JavaScript writes it; without one, its last line. Null: it is blank. */
export function lastNumberOrLine(text: string): string | null {
  const number = [...text.matchAll(NUMBER)].at(-1)?.[0];
  if (number !== undefined) return String(Number(number.replaceAll(',', '').replace('−', '-')));
  const line = text.split('\n').findLast((one) => one.trim() !== '');
  return line === undefined ? null : line.trim();
}

export interface Vote {
  /** The first of the answers with the most votes; 0 if none states a final answer. */
  readonly index: number;
  readonly voteCount: number;
}

/** @param finals what each answer states; null: it states nothing, and has no vote */
export function vote(finals: readonly (string | null)[]): Vote {
  const counts = new Map<string, number>();
  for (const final of finals) {
    if (final !== null) counts.set(final, (counts.get(final) ?? 0) + 1);
  }
  const voteCount = Math.max(0, ...counts.values());
  const index = finals.findIndex((final) => final !== null && counts.get(final) === voteCount);
  return { index: Math.max(0, index), voteCount };
}
