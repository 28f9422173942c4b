import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalf } from '../core/half.ts';
import { madeUpDataset, madeUpTraining, randomNumbers } from './fakes/rows.ts';
import { foldNetwork } from './fold-network.ts';
import type { FoldedLayer } from './folded-layer.ts';
import { FoldedNetwork } from './folded-network.ts';
import { foldedNetworkFromTensors, foldedNetworkTensors } from './folded-network-tensors.ts';
import { columnScales, roundedToHalves } from './half-columns.ts';
import { plainMultiply } from './matrix.ts';
import { citerPaperShape, layerSizes, type NetworkShape } from './network-shape.ts';
import { plainLogit } from './plain-logit.ts';
import { decodeTensors, encodeTensors, type Tensor } from './safetensors.ts';
import { atOnce } from './steps.ts';
import { trainNetwork } from './train-network.ts';
import { evaluate, type TrainedNetwork } from './trained-network.ts';

const INPUT_SIZE = 5;
const shapes = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 20 }), activation: fc.boolean() }), {
    maxLength: 4,
  })
  .map((hidden): NetworkShape => ({ inputSize: INPUT_SIZE, hidden, dropout: 0.1 }));

/** A network of random numbers. Variances and factors are positive. */
function randomNetwork(shape: NetworkShape): TrainedNetwork {
  const sizes = layerSizes(shape);
  let position = 1;
  const random = (count: number): Float32Array => {
    position += 1;
    return randomNumbers(count, position);
  };
  const positive = (count: number): Float32Array => random(count).map((value) => value + 1.2);
  const layers = sizes.slice(1).flatMap((outputSize, index): [string, Float32Array][] => {
    const weight: [string, Float32Array] = [
      `${index}.weight`,
      random(outputSize * (sizes[index] as number)),
    ];
    const isNormalised = shape.hidden[index]?.activation === true;
    if (!isNormalised) return [weight, [`${index}.bias`, random(outputSize)]];
    return [
      weight,
      [`${index}.norm.weight`, random(outputSize)],
      [`${index}.norm.bias`, random(outputSize)],
      [`${index}.norm.mean`, random(outputSize)],
      // One unit never changed, so it is multiplied by 316. Over several layers that exceeds single
      // precision.
      [`${index}.norm.variance`, positive(outputSize).fill(0, 0, index === 0 ? 1 : 0)],
    ];
  });
  const input = { 'input.mean': random(INPUT_SIZE), 'input.factor': positive(INPUT_SIZE) };
  return { shape, tensors: { ...input, ...Object.fromEntries(layers) } };
}

function layer(inputSize: number, outputSize: number, position: number): FoldedLayer {
  const weights = randomNumbers(inputSize * outputSize, position);
  return { inputSize, outputSize, weights, biases: randomNumbers(outputSize, position + 1) };
}

describe('a folded network', () => {
  it('gives the logits of the network that it was folded from', () => {
    const dataset = madeUpDataset(10, INPUT_SIZE);
    const rows = Int32Array.from({ length: 10 }, (_, row) => row);
    const features = fromHalf(dataset.features);
    fc.assert(
      fc.property(shapes, (shape) => {
        const network = randomNetwork(shape);
        const folded = foldNetwork(network, 'single');
        const logits = atOnce(evaluate(network, dataset, rows, plainMultiply));
        const largest = Math.max(...logits.map(Math.abs));
        for (const row of rows) {
          const input = features.subarray(row * INPUT_SIZE, (row + 1) * INPUT_SIZE);
          const gap = Math.abs(folded.logit(input) - (logits[row] as number));
          expect(gap).toBeLessThan(1e-4 * (1 + largest));
        }
        const activations = shape.hidden.filter(({ activation }) => activation).length;
        expect(folded.layers.length).toBe(activations + 1);
      }),
    );
  });

  it('has one hidden layer instead of the two in the paper', () => {
    const { layers } = foldNetwork(randomNetwork(citerPaperShape(INPUT_SIZE)));
    expect(layers.map(({ inputSize, outputSize }) => [inputSize, outputSize])).toEqual([
      [5, 10],
      [10, 1],
    ]);
  });

  it('gives the same logits through the kernel and in plain loops', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, fc.nat(100), (list, seed) => {
        const all = [...list, 1];
        const layers = list.map((size, index) =>
          layer(size, all[index + 1] ?? 1, seed + 2 * index),
        );
        const network = new FoldedNetwork(layers);
        const plain = plainLogit(layers);
        // Nothing of the first input may remain in the second logit.
        for (const position of [seed, seed + 1]) {
          const input = randomNumbers(network.inputSize, position);
          const expected = plain(input);
          const scale = 1 + Math.abs(expected) + 50;
          expect(Math.abs(network.logit(input) - expected)).toBeLessThan(1e-5 * scale);
        }
      }),
    );
  });

  it('returns NaN for NaN', () => {
    const network = new FoldedNetwork([layer(3, 9, 1), layer(9, 1, 3)]);
    expect(network.logit(new Float32Array([1, Number.NaN, 1]))).toBeNaN();
  });

  it('refuses an input of another size', () => {
    const network = new FoldedNetwork([layer(3, 1, 1)]);
    expect(() => network.logit(new Float32Array(2))).toThrow(
      'the input size is that of the network',
    );
  });
});

describe('a folded network in half precision', () => {
  it('keeps its logits within the precision, at any scale of its inputs', async () => {
    const options = madeUpTraining(600, 9);
    const { network } = await trainNetwork({ ...options, epochCountMax: 5 });
    const [exact, folded] = [foldNetwork(network, 'single'), foldNetwork(network)];
    const file = encodeTensors({ tensors: foldedNetworkTensors(folded), metadata: { kind: 'x' } });
    const read = foldedNetworkFromTensors(decodeTensors(file).tensors);
    const features = fromHalf(options.dataset.features);
    const logits = (which: FoldedNetwork): number[] =>
      [...options.validationRows].map((row) =>
        which.logit(features.subarray(row * 9, (row + 1) * 9)),
      );
    const [before, after] = [logits(exact), logits(read)];
    const gaps = before.map((logit, index) => Math.abs(logit - (after[index] as number)));
    expect(Math.max(...before) - Math.min(...before)).toBeGreaterThan(1);
    expect(Math.max(...gaps)).toBeLessThan(0.003);
    expect(Math.max(...gaps)).toBeGreaterThan(0);
    expect(read.layers).toEqual(folded.layers);
  });

  it('holds weights of any size', () => {
    const weights = new Float32Array([1e30, 3e-30, 0, -2e30, 1e-30, 0]);
    const folded = new FoldedNetwork([
      { inputSize: 3, outputSize: 2, weights, biases: new Float32Array(2) },
      layer(2, 1, 1),
    ]);
    const [read] = foldedNetworkFromTensors(foldedNetworkTensors(folded)).layers;
    read?.weights.forEach((weight, at) => {
      const expected = weights[at] as number;
      expect(Math.abs(weight - expected)).toBeLessThanOrEqual(2 ** -11 * Math.abs(expected));
    });
  });

  it('does not change when it is rounded again', () => {
    // The second weight rounds up to 1, and thus to the next power.
    expect([...columnScales(Float64Array.of(0.9, 0.99999, 0, 2), 4)]).toEqual([1, 2, 1, 4]);
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })), (numbers) => {
        const weights = Float64Array.from(numbers);
        const rounded = roundedToHalves(weights, 1);
        expect(roundedToHalves(rounded, 1)).toEqual(rounded);
        expect(columnScales(rounded, 1)).toEqual(columnScales(weights, 1));
      }),
    );
  });

  const whole = (): Map<string, Tensor> =>
    foldedNetworkTensors(new FoldedNetwork([layer(3, 4, 1), layer(4, 1, 3)]));
  const floats = (values: number[]): Tensor => ({
    dtype: 'F32',
    shape: [values.length],
    values: new Float32Array(values),
  });

  it.each<[string, (tensors: Map<string, Tensor>) => void]>([
    ['layer.0.weight is not a matrix', (tensors) => tensors.clear()],
    ['layer.0.bias is not a vector of 4', (tensors) => tensors.delete('layer.0.bias')],
    ['layer.1.scale is not a vector of 4', (tensors) => tensors.set('layer.1.scale', floats([1]))],
    ['layer.0 has 4 outputs instead of 1', (tensors) => tensors.delete('layer.1.weight')],
    ['layer.1.bias has entries', (tensors) => tensors.set('layer.1.bias', floats([Number.NaN]))],
    [
      'layer.0.weight has entries',
      (tensors) =>
        tensors.set('layer.0.weight', {
          dtype: 'F16',
          shape: [4, 3],
          values: new Uint16Array(12).fill(0x7c00),
        }),
    ],
  ])('is refused where %s', (message, damage) => {
    const tensors = whole();
    damage(tensors);
    const read = (): unknown => foldedNetworkFromTensors(tensors);
    expect(read).toThrow(expect.objectContaining({ code: 'head-invalid' }));
    expect(read).toThrow(message);
  });
});
