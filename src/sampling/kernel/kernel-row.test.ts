/**
 * The kernel against its oracle, the plain loops: both make the same choices for every possible row.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { required } from '../../core/invariant.ts';
import { gumbelFromBits, noiseGumbel, noiseKey, noiseUniform } from '../../core/noise.ts';
import { type DistributionParams, GREEDY } from '../../core/sampling-params.ts';
import { PlainRow } from '../plain-row.ts';
import { KernelRow } from './kernel-row.ts';
import { RowKernel } from './row-kernel.ts';

const MASKED = Number.NEGATIVE_INFINITY;

interface Entry {
  /** A number in (0, 1), and an independent one. */
  readonly uniform: number;
  readonly other: number;
  /** From minus to plus half the spread. */
  readonly level: number;
  readonly spread: number;
  readonly isLucky: boolean;
}

/** Entries of real models, of broken models, and of models that a grammar masked. */
const SHAPES = {
  plain: ({ level }) => level,
  flat: () => -1.5,
  ties: ({ level }) => Math.round(level),
  'few levels': ({ uniform, other, spread }) =>
    uniform < 0.01 ? spread : other < 0.2 ? 0 : -spread,
  peaked: ({ isLucky, level, spread }) => (isLucky ? spread : level),
  'heavy tail': ({ uniform, level }) => Math.min(30, uniform ** -0.3) + level / 100,
  'mostly masked': ({ isLucky, level, other }) => (isLucky || other < 0.02 ? level : MASKED),
  'all but one masked': ({ isLucky, level }) => (isLucky ? level : MASKED),
  'zeros of both signs': ({ uniform, other, spread }) =>
    other < 0.2 ? -spread : uniform < 0.5 ? 0 : -0,
  tiny: ({ level }) => Math.round(level) * 2 ** -149,
  huge: ({ uniform, other, spread }) => (uniform - 0.5) * 6e38 - other * 1e31 * spread,
  // The logits are so high that the noise is rounded away.
  high: ({ isLucky, other }) => (isLucky ? 2 ** 20 : other < 0.5 ? 2 ** 55 : 2 ** 54),
  neighbours: ({ level }) => 16 + Math.round(level) * 2 ** -19,
} satisfies Record<string, (entry: Entry) => number>;

interface Given {
  readonly shape: keyof typeof SHAPES;
  readonly size: number;
  readonly spread: number;
  readonly seed: number;
}

function entry({ shape, size, spread, seed }: Given, id: number): number {
  const key = noiseKey(seed, 0, 'coin');
  const uniform = noiseUniform(key, id);
  return SHAPES[shape]({
    uniform,
    other: noiseUniform(key, id + size),
    level: (uniform - 0.5) * spread,
    spread,
    isLucky: id === seed % size,
  });
}

/** Entries after the existing ids, which must not be read. */
const BEHIND = [Number.NaN, 1e38, Number.POSITIVE_INFINITY, 50];

const rowOf = (given: Given): Float32Array =>
  Float32Array.of(...Array.from({ length: given.size }, (_, id) => entry(given, id)), ...BEHIND);

const anyGiven: fc.Arbitrary<Given> = fc.record({
  shape: fc.constantFrom(...(Object.keys(SHAPES) as Given['shape'][])),
  size: fc.oneof(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 250, max: 262 }),
    fc.integer({ min: 10, max: 3000 }),
  ),
  spread: fc.constantFrom(0.01, 1, 8, 30, 200, 10_000),
  seed: fc.nat(),
});

const anyTemperature = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0.05, max: 2, noNaN: true }) },
  { weight: 2, arbitrary: fc.double({ min: 2, max: 100, noNaN: true }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1e-5, 1e-6, 9e-7, 1e-30, 1e-300, 1e-308, Number.MIN_VALUE, 1e7),
  },
);

const anyTruncation = fc.record({
  topK: fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 60 }),
    fc.integer({ min: 1, max: 4000 }),
  ),
  topP: fc.oneof(
    fc.constant(1),
    fc.constantFrom(Number.MIN_VALUE, 0.5, 1 - 1e-9, 1 - Number.EPSILON / 2),
    fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
  ),
  minP: fc.oneof(
    fc.constant(0),
    fc.constantFrom(Number.MIN_VALUE, 1e-12, 0.5, 1 - Number.EPSILON / 2),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
  ),
});

const kernel = required(RowKernel.create(), 'this Node has WebAssembly with vectors');

function both(given: Given): { readonly fast: KernelRow; readonly plain: PlainRow } {
  const logits = rowOf(given);
  const fast = KernelRow.open(kernel, logits, given.size);
  return { fast: required(fast, 'the row is ordinary'), plain: new PlainRow(logits, given.size) };
}

describe('the choices of a kernel row', () => {
  it('argmax is that of the plain loop', () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        const { fast, plain } = both(given);
        expect(fast.argmax()).toBe(plain.argmax());
      }),
      { numRuns: runs(200, 1000) },
    );
  });

  it('draw is that of the plain loop, at any temperature', () => {
    fc.assert(
      fc.property(
        anyGiven,
        anyTemperature,
        fc.maxSafeInteger(),
        fc.nat(),
        (given, heat, seed, at) => {
          const { fast, plain } = both(given);
          const key = noiseKey(seed, at, 'sample');
          expect(fast.draw(heat, key)).toBe(plain.draw(heat, key));
        },
      ),
      { numRuns: runs(300, 3000) },
    );
  });

  it('draw is that of the plain loop over a long run of positions', () => {
    for (const [shape, heat] of [
      ['plain', 1],
      ['flat', 0.7],
      ['heavy tail', 1.5],
    ] as const) {
      const { fast, plain } = both({ shape, size: 1003, spread: 12, seed: 5 });
      for (let position = 0; position < 1000; position += 1) {
        const key = noiseKey(77, position, 'sample');
        expect(fast.draw(heat, key)).toBe(plain.draw(heat, key));
      }
    }
  });

  // Values that `mix` takes with keys of 0, up to the rarest noise.
  it.each([
    [0xffffffff, 2744735402],
    [0xfffffffe, 1715854826],
    [0xfffffffa, 366475347],
    [0xffffffa0, 899428848],
    // The bound is tightest here.
    [0xfffeffff, 1228210023],
    [0, 0],
  ])('draw lets an entry with noise bits %d win from as far below as it can', (bits, value) => {
    const lucky = gumbelFromBits(bits);
    for (const id of [2, 300, 599]) {
      const key = { a: value ^ id, b: 0 };
      expect(noiseGumbel(key, id)).toBe(lucky);
      for (const [temperature, lead] of [0.5, 1, 30].flatMap(
        (t) =>
          [
            [t, 1e-4],
            [t, -1e-4],
          ] as const,
      )) {
        const logits = new Float32Array(600).fill(MASKED);
        logits[id] = 1;
        logits[1] = 1 + temperature * (lucky - noiseGumbel(key, 1) - lead);
        const fast = required(KernelRow.open(kernel, logits, 600), 'an ordinary row');
        expect(fast.draw(temperature, key)).toBe(lead > 0 ? id : 1);
        expect(new PlainRow(logits, 600).draw(temperature, key)).toBe(lead > 0 ? id : 1);
      }
    }
  });

  it('candidates are those of the plain loop, in the same order', () => {
    fc.assert(
      fc.property(anyGiven, anyTruncation, (given, truncation) => {
        fc.pre(truncation.topK > 0 || truncation.topP < 1 || truncation.minP > 0);
        const { fast, plain } = both(given);
        const params = { ...GREEDY, ...truncation, temperature: 1 };
        expect(fast.candidates(params)).toEqual(plain.candidates(params));
      }),
      { numRuns: runs(300, 3000) },
    );
  });

  it.each([
    ['all unmasked ids', { topK: 5 }, [1, 4, 7, 300, 301]],
    ['more than the unmasked ids: the lowest masked ids fill up', { topK: 8 }, null],
    ['top-p at a border of equal entries', { topP: 0.6 }, [1, 4, 7]],
  ])('candidates of a masked row: %s', (_name, step, expected) => {
    const logits = new Float32Array(600).fill(MASKED);
    for (const id of [1, 4, 7, 300, 301]) logits[id] = 2;
    const params = { ...GREEDY, ...step, temperature: 1 };
    const fast = required(KernelRow.open(kernel, logits, 600), 'an ordinary row').candidates(
      params,
    );
    expect(fast).toEqual(new PlainRow(logits, 600).candidates(params));
    expect(fast).toEqual(expected ?? [1, 4, 7, 300, 301, 0, 2, 3]);
  });
});

describe('the numbers of a kernel row', () => {
  /** |a - b| relative to the size of the numbers they are made of. */
  const near = (a: number, b: number, scale: number): void => {
    expect(Math.abs(a - b)).toBeLessThanOrEqual(5e-10 * Math.max(1, Math.abs(scale)));
  };

  it('statistics agree with those of the plain loop to 5e-10', () => {
    fc.assert(
      fc.property(anyGiven, (given) => {
        const { fast, plain } = both(given);
        const [actual, expected] = [fast.statistics(), plain.statistics()];
        near(actual.logSumExp, expected.logSumExp, expected.logSumExp);
        near(actual.entropy, expected.entropy, 50);
        near(actual.margin, expected.margin, 1);
        expect(actual.entropy).toBeGreaterThanOrEqual(0);
        expect(actual.entropy).toBeLessThanOrEqual(Math.log(given.size) + 1e-9);
        expect(actual.margin).toBeGreaterThanOrEqual(0);
        expect(actual.margin).toBeLessThanOrEqual(1);
      }),
      { numRuns: runs(200, 1500) },
    );
  });

  it('log-partitions agree with those of the plain loop, as far as the buckets of depths allow', () => {
    const worst = (given: Given): number => {
      const { fast, plain } = both(given);
      const exact = plain.logPartitions();
      return Math.max(
        ...Array.from(fast.logPartitions(), (value, k) => Math.abs(value - (exact[k] as number))),
      );
    };
    fc.assert(
      fc.property(anyGiven, (given) => {
        expect(worst(given)).toBeLessThan(6e-3);
      }),
      { numRuns: runs(100, 1500) },
    );
    for (const spread of [8, 30]) {
      expect(worst({ shape: 'plain', size: 3000, spread, seed: 5 })).toBeLessThan(5e-4);
    }
  });

  it('a row of one possible token is certain to the last digit', () => {
    const { fast } = both({ shape: 'all but one masked', size: 700, spread: 8, seed: 3 });
    const { entropy, margin } = fast.statistics();
    expect({ entropy, margin }).toEqual({ entropy: 0, margin: 1 });
    expect(new Set(fast.logPartitions())).toEqual(new Set([0]));
  });

  it('a distribution agrees with that of the plain loop to 5e-10, sums to 1, and has the same zeros', () => {
    const anyParams: fc.Arbitrary<DistributionParams> = fc
      .tuple(fc.oneof(fc.constant({ topK: 0, topP: 1, minP: 0 }), anyTruncation), anyTemperature)
      .map(([truncation, temperature]) => ({ ...truncation, temperature }));
    fc.assert(
      fc.property(anyGiven, anyParams, (given, params) => {
        const { fast, plain } = both(given);
        const [actual, expected] = [fast.distribution(params), plain.distribution(params)];
        let sum = 0;
        expect(actual).toHaveLength(given.size);
        for (const [id, probability] of actual.entries()) {
          const other = expected[id] as number;
          sum += probability;
          if (Math.abs(probability - other) <= 5e-10 * other) continue;
          expect({ id, probability }).toEqual({ id, probability: other });
        }
        expect(Math.abs(sum - 1)).toBeLessThanOrEqual(1e-12);
      }),
      { numRuns: runs(200, 1500) },
    );
  });

  it('a greedy distribution has all mass on the argmax', () => {
    const { fast, plain } = both({ shape: 'ties', size: 1000, spread: 8, seed: 3 });
    expect(fast.distribution(GREEDY)).toEqual(plain.distribution(GREEDY));
  });

  it('own their memory', () => {
    const first = both({ shape: 'plain', size: 900, spread: 8, seed: 1 }).fast;
    const distribution = first.distribution({ ...GREEDY, temperature: 1 });
    const before = distribution.slice();
    both({ shape: 'flat', size: 900, spread: 8, seed: 2 }).fast.distribution(GREEDY);
    expect(distribution).toEqual(before);
  });
});

describe('opening a row', () => {
  it('leaves rows with a NaN, or without a finite largest entry, to the plain loops', () => {
    const row = rowOf({ shape: 'plain', size: 500, spread: 8, seed: 1 });
    for (const broken of [Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const id of [0, 3, 255, 256, 499]) {
        const logits = row.slice();
        logits[id] = broken;
        expect(KernelRow.open(kernel, logits, 500)).toBeNull();
      }
    }
    expect(KernelRow.open(kernel, new Float32Array(500).fill(MASKED), 500)).toBeNull();
    expect(KernelRow.open(kernel, row, 500)).not.toBeNull();
  });

  it('ends the previous row, which can no longer be read by mistake', () => {
    const before = both({ shape: 'plain', size: 500, spread: 8, seed: 1 }).fast;
    const after = both({ shape: 'plain', size: 400, spread: 8, seed: 2 }).fast;
    expect(() => before.statistics()).toThrow('before the next is opened');
    expect(() => before.draw(1, noiseKey(1, 1, 'sample'))).toThrow('before the next is opened');
    expect(after.statistics().entropy).toBeGreaterThan(0);
  });
});
