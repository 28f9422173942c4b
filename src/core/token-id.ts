/** An index into one vocabulary. The brand keeps counts and positions from passing as tokens. */
export type TokenId = number & { readonly __token: unique symbol };

/** Marks a non-negative integer from a vocabulary as a token id. */
export function tokenId(value: number): TokenId {
  // The brand exists at compile time only; no other code adds it.
  return value as TokenId;
}

/** Marks every id of an array, without copying. */
export function tokenIds(values: readonly number[]): TokenId[] {
  return values as TokenId[];
}
