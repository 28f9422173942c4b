/** A grammar's mask of one row, as words with a set bit for every allowed token (core/row-program.ts). */

export type TokenMask = Int32Array;

export function allows(mask: TokenMask, id: number): boolean {
  return (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
}

/** @returns the tokens below `size` that are allowed, or those that are not */
export function splitByMask(
  mask: TokenMask,
  size: number,
): { readonly allowed: readonly number[]; readonly forbidden: readonly number[] } {
  const allowed: number[] = [];
  const forbidden: number[] = [];
  for (let id = 0; id < size; id += 1) (allows(mask, id) ? allowed : forbidden).push(id);
  return { allowed, forbidden };
}

/** The part of the largest log-probabilities that is of allowed tokens. */
export function allowedOf(
  top: ReadonlyMap<number, number>,
  mask: TokenMask,
): ReadonlyMap<number, number> {
  return new Map([...top].filter(([id]) => allows(mask, id)));
}

/** The likeliest, of equal ones the first by its id, as everywhere in this program; null: there is none. */
export function likeliest(top: ReadonlyMap<number, number>): number | null {
  let best: number | null = null;
  for (const [id, logprob] of top) {
    const than = best === null ? Number.NEGATIVE_INFINITY : (top.get(best) ?? 0);
    if (logprob > than || (logprob === than && (best === null || id < best))) best = id;
  }
  return best;
}
