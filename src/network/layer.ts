/** The common interface of a network's parts. */
import type { Numbers } from './matrix.ts';

/** Numbers that are learned. */
export interface Parameter {
  /** Unique in its network: `0.weight`. */
  readonly name: string;
  readonly values: Numbers;
  /** The gradients of the loss, filled by the last backward pass. */
  readonly gradients: Numbers;
  /** Whether weight decay pulls it towards 0: true for weights, false for biases and batch norm. */
  readonly decays: boolean;
}

/** Numbers that are not learned, but that an evaluation needs: running statistics. */
export interface Statistic {
  readonly name: string;
  readonly values: Numbers;
}

/** The settings of a forward pass. */
export interface Pass {
  /** Training uses the statistics of the batch and dropout; evaluation uses neither. */
  readonly training: boolean;
  /** Counts optimiser steps; it selects the noise of dropout. */
  readonly step: number;
}

/** A layer that keeps the number of units. It works in place, on [rowCount x size]. */
export interface InPlaceLayer {
  readonly parameters: readonly Parameter[];
  readonly statistics: readonly Statistic[];
  forward(rows: Numbers, rowCount: number, pass: Pass): void;
  /**
   * Turns the gradient with respect to the outputs of the last training pass into the gradient with
   * respect to its inputs.
   */
  backward(gradients: Numbers, rowCount: number): void;
}
