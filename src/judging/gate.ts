/**
 * A gate of token routing: it scores the small model's proposal and decides whether the score sends
 * the token to the large model. Pure. Each gate stands in the file of its method (strategy/entropy.ts
 * is one). Thresholds keep the direction of their method.
 */
import type { Draws } from '../core/draws.ts';
import type { RowResult } from '../core/row-program.ts';
import type { RowReads } from '../core/row-reads.ts';

/** On which side of a threshold scores call the large model. */
export type DeferralSide = 'above' | 'below';

export interface Gate {
  readonly name: string;
  /** What it must see of a row to score it. */
  readonly reads: RowReads;
  /** On which side of the threshold scores call the large model. */
  readonly deferralSide: DeferralSide;
  /** @param position of the token that the row proposes: the text before it has as many tokens */
  score(row: RowResult, position: number, draws: Draws): number;
}

/** Whether the large model writes what was scored. A score that is the threshold does not defer. */
export function defers(side: DeferralSide, score: number, threshold: number): boolean {
  return side === 'above' ? score > threshold : score < threshold;
}
