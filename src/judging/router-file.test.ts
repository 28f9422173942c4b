import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { halfBits } from '../core/half.ts';
import { decodeTensors, encodeTensors, type Tensor } from '../network/safetensors.ts';
import { tinyNetwork, tinyRouter } from './fakes/tiny-router.ts';
import { routerScore } from './router.ts';
import { featureSize } from './router-features.ts';
import { decodeRouter, encodeRouter } from './router-file.ts';

const bytes = encodeRouter(tinyRouter());

function invalidity(changed: Uint8Array): string {
  try {
    decodeRouter(changed);
  } catch (error) {
    if (PilotfishError.isInstance(error) && error.code === 'head-invalid') return error.message;
    throw error;
  }
  return 'none';
}

interface Parts {
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, Tensor>;
}

function changed(change: (parts: Parts) => void): Uint8Array {
  const { metadata, tensors } = decodeTensors(bytes);
  const parts: Parts = { metadata: { ...metadata }, tensors: new Map(tensors) };
  change(parts);
  return encodeTensors(parts);
}

function withMetadata(name: string, value: string | null): Uint8Array {
  return changed(({ metadata }) => {
    if (value === null) delete metadata[name];
    else metadata[name] = value;
  });
}

/** @param value undefined removes the fact */
function withFact(name: string, value: unknown): Uint8Array {
  const { metadata } = decodeTensors(bytes);
  const facts: Record<string, unknown> = JSON.parse(metadata['facts'] ?? '');
  return withMetadata('facts', JSON.stringify({ ...facts, [name]: value }));
}

describe('the file of a router', () => {
  it('returns the whole router, with the same scores', () => {
    const anyNumbers = fc.uniqueArray(fc.nat(2 ** 31 - 1)).map((all) => {
      return new Set(all.map((number) => number * 2 ** 17 + (number % 7)));
    });
    const anyRouter = fc.record({
      strategy: fc.constantFrom('citer', 'co-llm'),
      hiddenSize: fc.integer({ min: 1, max: 9 }),
      features: fc.constantFrom(
        { hidden: true, topLogprobs: 0, tokenEmbedding: false },
        { hidden: true, topLogprobs: 32, tokenEmbedding: false },
        { hidden: false, topLogprobs: 7, tokenEmbedding: false },
      ),
      temperature: fc.double({ min: 0.01, max: 100, noNaN: true }),
      defaultThreshold: fc.double({ min: 0, max: 1, noNaN: true }),
      calibration: fc.constantFrom(
        null,
        { on: 'nothing', cuts: [], points: [] },
        tinyRouter().calibration,
      ),
      trainedOn: anyNumbers,
      calibratedOn: anyNumbers,
    });
    fc.assert(
      fc.property(anyRouter, (changes) => {
        const given = {
          ...tinyRouter(),
          ...changes,
          network: tinyNetwork(featureSize(changes.features, changes.hiddenSize)),
        };
        const read = decodeRouter(encodeRouter(given));
        const { digest, network, trainedOn, ...facts } = read;
        const { digest: _digest, network: _network, trainedOn: numbers, ...expected } = given;
        expect(facts).toEqual(expected);
        expect(trainedOn).toEqual(numbers);
        expect(digest).toMatch(/^[0-9a-f]{64}$/);
        const input = Uint16Array.from({ length: network.inputSize }, (_, at) =>
          halfBits(at - 2.5),
        );
        expect(routerScore(read)(input)).toBe(routerScore(given)(input));
        expect(encodeRouter(read)).toEqual(encodeRouter(given));
      }),
    );
  });

  it('has a digest that depends on its content alone', () => {
    expect(decodeRouter(bytes).digest).toBe(tinyRouter().digest);
    expect(tinyRouter({ temperature: 2 }).digest).not.toBe(tinyRouter().digest);
  });

  it.each([
    ['another format', withMetadata('format', 'x'), 'no router'],
    ['no format', withMetadata('format', null), 'no router'],
    ['another version', withMetadata('version', '3'), 'version is 3, not 2 or earlier'],
    ['no version', withMetadata('version', null), 'version is none'],
    ['facts that are not JSON', withMetadata('facts', '{'), 'description'],
    ['another size', withFact('hiddenSize', 5), 'reads 4 features, not 5'],
    ['a temperature of 0', withFact('temperature', 0), 'temperature'],
    ['no pair', withFact('pair', undefined), 'pair'],
    [
      'more log-probabilities than the limit',
      withFact('features', { hidden: false, topLogprobs: 1000, tokenEmbedding: false }),
      'features.topLogprobs',
    ],
    ['no network', changed(({ tensors }) => void tensors.delete('layer.0.weight')), 'layer.0'],
    [
      'no calibration questions',
      changed(({ tensors }) => void tensors.delete('calibrated_on')),
      'calibrated_on',
    ],
    ['no questions', changed(({ tensors }) => void tensors.delete('trained_on')), 'trained_on'],
    [
      'half a question',
      changed(({ tensors }) => {
        tensors.set('trained_on', { dtype: 'I32', shape: [3], values: Int32Array.of(1, 2, 3) });
      }),
      'trained_on',
    ],
    [
      'a negative question number',
      changed(({ tensors }) => {
        tensors.set('trained_on', { dtype: 'I32', shape: [1, 2], values: Int32Array.of(-1, 2) });
      }),
      'trained_on',
    ],
  ])('with %s is refused', (_what, file, why) => {
    expect(invalidity(file)).toContain(why);
  });

  it('fails with no other error, whatever its content is', () => {
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 });
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (changes, length) => {
        const damaged = Uint8Array.from(bytes);
        for (const [at, value] of changes) damaged[at] = value;
        invalidity(damaged);
        invalidity(damaged.subarray(0, length));
      }),
      { numRuns: 500 },
    );
    for (let length = 0; length < bytes.length; length += 1) {
      expect(invalidity(bytes.subarray(0, length))).not.toBe('none');
    }
  });
});
