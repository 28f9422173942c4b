/** An index into one vocabulary. Branded so that a count or a position cannot pass for a token. */
export type TokenId = number & { readonly __token: unique symbol };

/** Marks a non-negative integer that a vocabulary handed out as a token id. */
export function tokenId(value: number): TokenId {
  // The brand exists at compile time only; this is the one place that adds it.
  return value as TokenId;
}

/** Marks every id of an array, without copying. */
export function tokenIds(values: readonly number[]): TokenId[] {
  return values as TokenId[];
}
