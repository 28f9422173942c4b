/** What the parts of a network have in common. */
import type { Numbers } from './matrix.ts';

/** Numbers that are learned. */
export interface Parameter {
  /** Unique in its network: `0.weight`. */
  readonly name: string;
  readonly values: Numbers;
  /** Of the loss, filled by the last backward pass. */
  readonly gradients: Numbers;
  /** Whether weight decay pulls it towards 0: weights yes, biases and batch norm no. */
  readonly decays: boolean;
}

/** Numbers that an evaluation needs and that are not learned: running statistics. */
export interface Statistic {
  readonly name: string;
  readonly values: Numbers;
}

/** What a forward pass is for. */
export interface Pass {
  /** Training uses the statistics of the batch, and drops; evaluation does neither. */
  readonly training: boolean;
  /** Counts optimiser steps: which noise dropout takes. */
  readonly step: number;
}

/** A layer that keeps the number of units. Works in place, on [rowCount x size]. */
export interface InPlaceLayer {
  readonly parameters: readonly Parameter[];
  readonly statistics: readonly Statistic[];
  forward(rows: Numbers, rowCount: number, pass: Pass): void;
  /** Turns the gradient by what the last training pass gave into that by what it was given. */
  backward(gradients: Numbers, rowCount: number): void;
}
