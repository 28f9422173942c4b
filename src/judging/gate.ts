/**
 * Gates of token routing: a score of the small model's proposal, and whether it sends the token to
 * the large model. Pure. Thresholds keep each method's own direction (see `calls`).
 */
import type { Draws } from '../core/draws.ts';
import { required } from '../core/invariant.ts';
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
  /** True if the large model writes this token. */
  defers(score: number, threshold: number): boolean;
}

/** Entropy in nats of the small model's own distribution; large when it exceeds the threshold. */
export const entropyGate: Gate = {
  name: 'entropy',
  reads: { uncertainty: true },
  deferralSide: 'above',
  score: (row) => required(row.entropy, 'the row program computes the entropy'),
  defers: (score, threshold) => score > threshold,
};

/** Top-2 probability margin of the small model; large when it falls below the threshold. */
export const marginGate: Gate = {
  name: 'margin',
  reads: { uncertainty: true },
  deferralSide: 'below',
  score: (row) => required(row.margin, 'the row program computes the margin'),
  defers: (score, threshold) => score < threshold,
};

/**
 * The control: a coin keyed by (seed, position), so that the tokens of a smaller share are a subset
 * of those of a larger one. Large when the coin, a uniform in (0, 1), is below the share.
 */
export const randomGate: Gate = {
  name: 'random',
  reads: {},
  deferralSide: 'below',
  score: (_row, position, draws) => draws.uniform(position, 'coin'),
  defers: (score, share) => score < share,
};
