/**
 * A gate of token routing: it scores the small model's proposal and decides whether the score sends
 * the token to the large model. Pure. Each gate stands in the file of its method (strategy/entropy.ts
 * is one). Thresholds keep the direction of their method.
 */
import type { Draws } from '../core/draws.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';

/** The side of a threshold on which scores defer to the large model. */
export type DeferralSide = 'above' | 'below';

/** What a gate may know beside the row and its position. */
export interface GateContext {
  readonly draws: Draws;
  /** The bytes that a token adds to the text; none for control tokens. */
  tokenBytes(id: TokenId): Uint8Array;
}

export interface Gate {
  readonly name: string;
  /** The values that it needs of a row to score it. */
  readonly reads: RowReads;
  /** The side of the threshold on which scores defer to the large model. */
  readonly deferralSide: DeferralSide;
  /** @param position the position of the proposed token, which is the length of the text before it */
  score(row: RowResult, position: number, context: GateContext): number;
}

/** Whether the large model writes the scored token or step. A score equal to the threshold does not defer. */
export function defers(side: DeferralSide, score: number, threshold: number): boolean {
  return side === 'above' ? score > threshold : score < threshold;
}
