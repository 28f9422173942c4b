/** A linear layer: out = weights · in + biases. */
export interface FoldedLayer {
  readonly inputSize: number;
  readonly outputSize: number;
  /** [outputSize x inputSize] */
  readonly weights: Float32Array;
  /** [outputSize] */
  readonly biases: Float32Array;
}
