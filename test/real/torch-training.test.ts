/** Compares our training with PyTorch's: the same first weights, rows, order and optimiser. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { DEFAULT_OPTIMISER } from '../../src/network/adamw.ts';
import type { TrainingCheckpoint } from '../../src/network/checkpoint.ts';
import { splitByGroup } from '../../src/network/dataset.ts';
import { madeUpDataset, randomNumbers } from '../../src/network/fakes/rows.ts';
import { crossEntropyLoss } from '../../src/network/loss.ts';
import { plainMultiply } from '../../src/network/matrix.ts';
import { Network } from '../../src/network/network.ts';
import { layerSizes, type NetworkShape } from '../../src/network/network-shape.ts';
import { decodeTensors, encodeTensors, type Tensor } from '../../src/network/safetensors.ts';
import { shuffled } from '../../src/network/shuffle.ts';
import { atOnce } from '../../src/network/steps.ts';
import { trainNetwork } from '../../src/network/train-network.ts';
import { logitsOf } from '../../src/network/trained-network.ts';
import { torchPython } from './torch-python.ts';

const ROW_COUNT = 1000;
const INPUT_SIZE = 12;
const EPOCH_COUNT = 6;
const BATCH_SIZE = 64;
const SEED = 5;
const RELATIVE = 1e-4;

const SHAPES: readonly [string, NetworkShape][] = [
  ['a router', { inputSize: INPUT_SIZE, hidden: [{ size: 32, activation: true }], dropout: 0 }],
  [
    "the paper's network",
    {
      inputSize: INPUT_SIZE,
      hidden: [
        { size: 24, activation: true },
        { size: 12, activation: false },
      ],
      dropout: 0,
    },
  ],
];

const floats = (values: Float32Array, shape: number[] = [values.length]): Tensor => ({
  dtype: 'F32',
  shape,
  values,
});
const numbers = (values: Int32Array): Tensor => ({ dtype: 'I32', shape: [values.length], values });

/** Every feature varies. Labels depend on products of features, with some noise. */
const features = madeUpDataset(ROW_COUNT, INPUT_SIZE + 1);
const dataset = {
  ...features,
  inputSize: INPUT_SIZE,
  features: features.features.filter((_, at) => at % (INPUT_SIZE + 1) > 0),
};
const numbersOfRows = randomNumbers(ROW_COUNT * (INPUT_SIZE + 1), 0);
const targets = Float32Array.from({ length: ROW_COUNT }, (_, row) => {
  const [, a = 0, b = 0, c = 0] = numbersOfRows.subarray(row * (INPUT_SIZE + 1));
  return 1 / (1 + Math.exp(-4 * (a * b + c)));
});
const weights = randomNumbers(ROW_COUNT, 1).map((value) => 1.5 + value);
const { training: rows, validation } = splitByGroup(dataset.groups, 0.2, 1);
const optimiser = { ...DEFAULT_OPTIMISER, rate: 0.003, weightDecay: 0.05, epsilon: 1e-6 };

function shapeOf(name: string, length: number, shape: NetworkShape): number[] {
  const [index = 0] = name.split('.').map(Number);
  return name.endsWith('.weight') && !name.includes('norm')
    ? [length / (layerSizes(shape)[index] ?? 1), layerSizes(shape)[index] ?? 1]
    : [length];
}

/** The data that PyTorch needs for the same training. */
function question(shape: NetworkShape): Uint8Array {
  const network = new Network({
    shape,
    seed: SEED,
    rowCountMax: 2,
    allocate: (count) => new Float32Array(count),
    multiply: plainMultiply,
  });
  atOnce(network.initialise(SEED));
  const initial = [...network.parameters, ...network.statistics].map(
    ({ name, values }): [string, Tensor] => [
      `initial.${name}`,
      floats(Float32Array.from(values), shapeOf(name, values.length, shape)),
    ],
  );
  const orders = Array.from({ length: EPOCH_COUNT }, (_, index): [string, Tensor] => [
    `order.${index + 1}`,
    numbers(shuffled(rows, SEED, 'shuffle', index + 1)),
  ]);
  const halves: Tensor = {
    dtype: 'F16',
    shape: [ROW_COUNT, INPUT_SIZE],
    values: dataset.features,
  };
  const options = {
    sizes: layerSizes(shape),
    activations: shape.hidden.map(({ activation }) => activation),
    batchSize: BATCH_SIZE,
    epochCount: EPOCH_COUNT,
    ...optimiser,
  };
  return encodeTensors({
    tensors: new Map([
      ...initial,
      ...orders,
      ['features', halves],
      ['targets', floats(targets)],
      ['weights', floats(weights)],
      ['rows', numbers(rows)],
      ['validation', numbers(validation)],
    ]),
    metadata: { options: JSON.stringify(options) },
  });
}

async function answer(python: string, shape: NetworkShape): Promise<ReadonlyMap<string, Tensor>> {
  const folder = mkdtempSync(join(tmpdir(), 'pilotfish-torch-'));
  try {
    const [from, to] = [join(folder, 'in.safetensors'), join(folder, 'out.safetensors')];
    writeFileSync(from, question(shape));
    await execa(python, [join(import.meta.dirname, 'torch-training.py'), from, to]);
    return decodeTensors(readFileSync(to)).tensors;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The largest difference, as a share of the largest number. */
function difference(ours: Float32Array, theirs: Tensor | undefined): number {
  const values = theirs?.values ?? [];
  expect(values.length).toBe(ours.length);
  const scale = Math.max(...ours.map(Math.abs));
  return Math.max(...ours.map((value, at) => Math.abs(value - (values[at] as number)))) / scale;
}

const found = await torchPython();
if ('reason' in found) process.stderr.write(`SKIPPED: ${found.reason}\n`);

describe.skipIf('reason' in found)('PyTorch', () => {
  it.each(SHAPES)('trains %s to the same weights', async (name, shape) => {
    if ('reason' in found) return;
    const theirs = await answer(found.python, shape);
    let last: TrainingCheckpoint | undefined;
    const { history } = await trainNetwork({
      dataset,
      rows,
      validationRows: validation,
      shape,
      loss: crossEntropyLoss(targets, weights),
      optimiser,
      batchSize: BATCH_SIZE,
      epochCountMax: EPOCH_COUNT,
      patience: EPOCH_COUNT,
      seed: SEED,
      onCheckpoint: (checkpoint) => {
        last = checkpoint;
      },
    });
    const losses = history.flatMap((report) => [report.trainingLoss, report.validationLoss]);
    const gaps = { losses: difference(Float32Array.from(losses), theirs.get('losses')) };
    const tensors = Object.entries(last?.current ?? {}).filter(
      ([each]) => !each.startsWith('input'),
    );
    expect(tensors.length).toBeGreaterThan(5);
    const weightGaps = tensors.map(([each, values]) =>
      difference(values, theirs.get(`final.${each}`)),
    );
    const logits = await logitsOf({ shape, tensors: last?.current ?? {} }, dataset, validation);
    const all = {
      ...gaps,
      weights: Math.max(...weightGaps),
      logits: difference(logits, theirs.get('logits')),
    };
    const seen = Object.entries(all).map(([key, gap]) => `${key} ${gap.toExponential(1)}`);
    process.stderr.write(`${name}: relative differences: ${seen.join(', ')}\n`);
    // The training has learned something in the meantime.
    expect(losses.at(-1)).toBeLessThan((losses[1] ?? 0) * 0.98);
    for (const [key, gap] of Object.entries(all)) expect(gap, key).toBeLessThan(RELATIVE);
  });
});
