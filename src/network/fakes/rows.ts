/** Made-up rows that a network can learn, for tests. */
import { toHalf } from '../../core/half.ts';
import { noiseKey, noiseUniform } from '../../core/noise.ts';
import { DEFAULT_OPTIMISER } from '../adamw.ts';
import { type Dataset, splitByGroup } from '../dataset.ts';
import { crossEntropyLoss, type RowLoss } from '../loss.ts';
import type { TrainingOptions } from '../train-network.ts';

const ROWS_PER_GROUP = 5;

/** Uniform in (-1, 1). */
export function randomNumbers(count: number, position: number): Float32Array {
  const key = noiseKey(9, position, 'coin');
  return Float32Array.from({ length: count }, (_, at) => 2 * noiseUniform(key, at) - 1);
}

/** Inputs of different scales; the first input never changes. */
export function madeUpDataset(rowCount: number, inputSize: number): Dataset {
  const numbers = randomNumbers(rowCount * inputSize, 0);
  const values = numbers.map((value, at) => {
    const unit = at % inputSize;
    return unit === 0 ? 3 : value * 10 ** ((unit % 4) - 2) + unit;
  });
  const groups = Int32Array.from({ length: rowCount }, (_, row) =>
    Math.floor(row / ROWS_PER_GROUP),
  );
  return { rowCount, inputSize, features: toHalf(values), groups };
}

/**
 * The task is whether the second and the third feature have the same sign, which no linear network
 * can learn.
 */
export function madeUpTraining(
  rowCount = 600,
  inputSize = 4,
): TrainingOptions & { readonly loss: RowLoss } {
  const dataset = madeUpDataset(rowCount, inputSize);
  const numbers = randomNumbers(rowCount * inputSize, 0);
  const targets = Float32Array.from({ length: rowCount }, (_, row) => {
    const [, a = 0, b = 0] = numbers.subarray(row * inputSize);
    return a * b > 0 ? 1 : 0;
  });
  const { training, validation } = splitByGroup(dataset.groups, 0.25, 1);
  return {
    dataset,
    rows: training,
    validationRows: validation,
    shape: { inputSize, hidden: [{ size: 12, activation: true }], dropout: 0.05 },
    loss: crossEntropyLoss(targets, new Float32Array(rowCount).fill(1)),
    optimiser: { ...DEFAULT_OPTIMISER, rate: 0.01 },
    batchSize: 32,
    epochCountMax: 30,
    patience: 30,
    seed: 7,
  };
}
