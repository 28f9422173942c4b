/** Gradients of whole networks against central differences, in double precision. */
import { describe, expect, it } from 'vitest';
import { noiseKey, noiseUniform } from '../core/noise.ts';
import { crossEntropyLoss, mixtureLoss, type RowLoss } from './loss.ts';
import { type Numbers, plainMultiply } from './matrix.ts';
import { Network } from './network.ts';
import { citerPaperShape, type NetworkShape, routerShape } from './network-shape.ts';
import { atOnce } from './steps.ts';

const ROWS = 7;
const STEP = 1e-5;

function random(count: number, position: number): Float64Array {
  const key = noiseKey(5, position, 'coin');
  return Float64Array.from({ length: count }, (_, at) => 2 * noiseUniform(key, at) - 1);
}

const weights = Float32Array.from(random(ROWS, 1), (value) => 1 + value);
const LOSSES: readonly [string, RowLoss][] = [
  [
    'cross-entropy',
    crossEntropyLoss(
      Float32Array.from({ length: ROWS }, (_, i) => i / 6),
      weights,
    ),
  ],
  [
    'mixture',
    mixtureLoss(
      Float32Array.from(random(ROWS, 2), (value) => -2 - 2 * value),
      Float32Array.from(random(ROWS, 3), (value) => -2 - 2 * value),
      weights,
    ),
  ],
];

const SHAPES: readonly [string, NetworkShape][] = [
  ['no hidden layer', { inputSize: 4, hidden: [], dropout: 0 }],
  ['a router', { ...routerShape(4, 6), dropout: 0.3 }],
  ["the paper's", { ...citerPaperShape(4), dropout: 0.2 }],
  [
    'three layers',
    {
      inputSize: 3,
      hidden: [5, 4, 3].map((size) => ({ size, activation: true })),
      dropout: 0,
    },
  ],
];

const cases = SHAPES.flatMap(([shapeName, shape]) =>
  LOSSES.map(([lossName, loss]) => ({ shapeName, shape, lossName, loss })),
);

describe('a network', () => {
  it.each(cases)('of $shapeName has the gradients of $lossName', ({ shape, loss }) => {
    const network = new Network({
      shape,
      seed: 3,
      rowCountMax: ROWS,
      allocate: (count) => new Float64Array(count),
      multiply: plainMultiply,
    });
    atOnce(network.initialise(3));
    const inputs = random(ROWS * shape.inputSize, 4);
    // The parameters leave their initial values, so that biases, scales and shifts all matter.
    for (const [index, { values }] of network.parameters.entries()) {
      const offsets = random(values.length, 10 + index);
      values.forEach((value, at) => {
        values[at] = value + 0.3 * (offsets[at] as number);
      });
    }
    const pass = { training: true, step: 2 };
    const logits = (): Numbers => atOnce(network.forward(inputs, ROWS, pass));
    const total = (): number =>
      Array.from(logits().subarray(0, ROWS)).reduce(
        (sum, logit, row) => sum + (weights[row] as number) * loss.loss(logit, row),
        0,
      );
    const slopes = Float64Array.from(
      logits().subarray(0, ROWS),
      (logit, row) => (weights[row] as number) * loss.slope(logit, row),
    );
    atOnce(network.backward(slopes, ROWS));
    const gradients = network.parameters.map((parameter) => parameter.gradients.slice());
    let largest = 0;
    for (const [index, { name, values }] of network.parameters.entries()) {
      for (let at = 0; at < values.length; at += 1) {
        const value = values[at] as number;
        values[at] = value + STEP;
        const above = total();
        values[at] = value - STEP;
        const below = total();
        values[at] = value;
        const expected = (above - below) / (2 * STEP);
        const gradient = gradients[index]?.[at] as number;
        largest = Math.max(largest, Math.abs(gradient));
        expect(Math.abs(gradient - expected), `${name}[${at}]`).toBeLessThan(
          1e-7 + 1e-6 * Math.abs(expected),
        );
      }
    }
    expect(largest).toBeGreaterThan(0.1);
  });

  it('begins with weights of the variance that rectified layers keep, and biases of 0', () => {
    const shape = routerShape(600, 200);
    const network = new Network({
      shape,
      seed: 1,
      rowCountMax: 1,
      allocate: (count) => new Float32Array(count),
      multiply: plainMultiply,
    });
    atOnce(network.initialise(1));
    const [weight] = network.parameters;
    const bias = network.parameters.at(-1);
    const values = Array.from(weight?.values ?? []);
    const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(square * 600).toBeCloseTo(2, 1);
    expect(Math.max(...values)).toBeLessThanOrEqual(Math.sqrt(6 / 600) * 1.0001);
    expect(new Set(values).size).toBeGreaterThan(100_000);
    expect([bias?.name, ...(bias?.values ?? [])]).toEqual(['1.bias', 0]);
  });
});
