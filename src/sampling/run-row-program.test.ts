import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING_READ, type RowProgram } from '../core/row-program.ts';
import { GREEDY, type SamplingParams } from '../core/sampling-params.ts';
import { tokenId, tokenIds } from '../core/token-id.ts';
import { processedDistribution } from './distribution.ts';
import { PlainRow } from './plain-row.ts';
import { rowStatistics } from './row-statistics.ts';
import { runRowProgram } from './run-row-program.ts';

const SAMPLED: SamplingParams = { ...GREEDY, temperature: 1 };
const LOGITS: readonly number[] = [0.5, 2, -1, 1.75, 0, 2.5, -3, 1];

const programOf = (changes: Partial<RowProgram> = {}): RowProgram => ({
  vocabularySize: LOGITS.length,
  sampling: SAMPLED,
  seed: 1,
  purpose: 'sample',
  ...changes,
});

const { hidden: _, ...NOTHING } = NOTHING_READ;

const row = (): Float32Array => Float32Array.from(LOGITS);

const SAMPLINGS: Readonly<Record<string, SamplingParams>> = {
  plain: SAMPLED,
  'at a low temperature': { ...SAMPLED, temperature: 0.4 },
  'at a high temperature': { ...SAMPLED, temperature: 5 },
  'with top-k': { ...SAMPLED, topK: 3 },
  'with top-p': { ...SAMPLED, topP: 0.7, temperature: 1.3 },
  'with min-p': { ...SAMPLED, minP: 0.2, temperature: 2 },
  'with truncation and temperature': {
    ...SAMPLED,
    topK: 6,
    topP: 0.95,
    minP: 0.05,
    temperature: 1.5,
  },
};

describe('a row that is not a number', () => {
  it.each([8, 5000])('of %i tokens is an error, whatever is read from it', (size) => {
    const broken = new Float32Array(size).fill(Number.NaN);
    const mask = new Int32Array(Math.ceil(size / 32));
    mask[0] = 0b1100;
    for (const sampling of Object.values({ ...SAMPLINGS, greedy: GREEDY })) {
      for (const masks of [{}, { masks: new Map([[4, mask]]) }]) {
        const all = { distribution: true, uncertainty: true, logprob: true, topLogprobs: 4 };
        for (const wanted of [{}, all]) {
          const program = programOf({ vocabularySize: size, sampling, ...masks, ...wanted });
          expect(() => runRowProgram(broken, program, 4)).toThrow(
            expect.objectContaining({
              code: 'native-failed',
              message: expect.stringContaining('not a number'),
            }),
          );
        }
      }
    }
  });
});

describe('the token', () => {
  it.each(Object.entries(SAMPLINGS))('follows the processed distribution %s', (_name, sampling) => {
    const count = 20_000;
    const logits = row();
    const counts = new Float64Array(LOGITS.length);
    for (let position = 0; position < count; position += 1) {
      const { tokenId: choice } = runRowProgram(logits, programOf({ sampling }), position);
      counts[choice] = (counts[choice] ?? 0) + 1;
    }
    const expected = processedDistribution(logits, LOGITS.length, sampling);
    let [chiSquare, freedom] = [0, -1];
    for (const [id, probability] of expected.entries()) {
      if (probability === 0) {
        expect(counts[id]).toBe(0);
        continue;
      }
      chiSquare += ((counts[id] ?? 0) - count * probability) ** 2 / (count * probability);
      freedom += 1;
    }
    expect(chiSquare).toBeLessThan(freedom + 6 * Math.sqrt(2 * freedom));
  });

  it('depends on seed, position and purpose, and on nothing else', () => {
    const flat = new Float32Array(1000);
    const chosen = (changes: Partial<RowProgram>, position: number): number =>
      runRowProgram(flat, programOf({ vocabularySize: 1000, ...changes }), position).tokenId;
    expect(chosen({}, 5)).toBe(chosen({ logprob: true, uncertainty: true, distribution: true }, 5));
    const others = [
      chosen({}, 5),
      chosen({}, 6),
      chosen({ seed: 2 }, 5),
      chosen({ purpose: 'draft' }, 5),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it('is the argmax when greedy, whatever the noise', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(), (seed, position) => {
        const sampling = { ...GREEDY, topK: 2, topP: 0.5, minP: 0.1 };
        expect(runRowProgram(row(), programOf({ sampling, seed }), position).tokenId).toBe(5);
      }),
    );
  });

  it('is the same with truncation that drops nothing as without truncation', () => {
    const whole = { ...SAMPLED, topK: LOGITS.length };
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.nat(), (seed, position) => {
        const plain = runRowProgram(row(), programOf({ seed }), position);
        const kept = runRowProgram(row(), programOf({ seed, sampling: whole }), position);
        expect(kept.tokenId).toBe(plain.tokenId);
      }),
    );
  });
});

describe('a vocabulary limit', () => {
  it('masks padding ids in every result, however high their logits are', () => {
    const padded = Float32Array.from([...LOGITS, 50, 60, Number.NaN]);
    for (const sampling of [GREEDY, ...Object.values(SAMPLINGS)]) {
      const wanted = { logprob: true, uncertainty: true, distribution: true, topLogprobs: 9 };
      const program = programOf({ sampling, ...wanted });
      for (let position = 0; position < 50; position += 1) {
        const masked = runRowProgram(padded, program, position);
        expect(masked).toEqual(runRowProgram(row(), program, position));
      }
    }
  });
});

describe('the other results', () => {
  it('are null unless they are requested', () => {
    const { tokenId: choice, ...rest } = runRowProgram(row(), programOf(), 0);
    expect(choice).toBeGreaterThanOrEqual(0);
    expect(rest).toEqual(NOTHING);
  });

  it('can each be requested alone', () => {
    const { logSumExp, entropy, margin } = rowStatistics(row(), LOGITS.length);
    const ask = (changes: Partial<RowProgram>): unknown =>
      runRowProgram(row(), programOf(changes), 3);
    const { tokenId: choice } = runRowProgram(row(), programOf(), 3);
    const logprob = (LOGITS[choice] ?? Number.NaN) - logSumExp;
    expect(ask({ logprob: true })).toEqual({ ...NOTHING, tokenId: choice, logprob });
    expect(ask({ uncertainty: true })).toEqual({ ...NOTHING, tokenId: choice, entropy, margin });
    const distribution = processedDistribution(row(), LOGITS.length, SAMPLED);
    expect(ask({ distribution: true })).toEqual({ ...NOTHING, tokenId: choice, distribution });
    const topLogprobs = Float32Array.of(2.5 - logSumExp, 2 - logSumExp);
    expect(ask({ topLogprobs: 2 })).toEqual({ ...NOTHING, tokenId: choice, topLogprobs });
    const text = tokenIds([7, 7, 7, 2]);
    const textLogprob = -1 - logSumExp;
    expect(ask({ textLogprob: true, text })).toEqual({ ...NOTHING, tokenId: choice, textLogprob });
    const scoredTokens = tokenIds([2, 6, 0, 2]);
    const tokenLogprobs = Float32Array.from(scoredTokens, (id) => {
      return (LOGITS[id] ?? Number.NEGATIVE_INFINITY) - logSumExp;
    });
    expect(ask({ tokenLogprobs: true, scoredTokens })).toEqual({
      ...{ ...NOTHING, tokenId: choice, tokenLogprobs },
    });
    expect(() => ask({ tokenLogprobs: true })).toThrow('names no tokens to score');
  });

  it('give the log-probability before the sampling steps', () => {
    const sampling = { ...GREEDY, topK: 1, temperature: 0.3 };
    const { logprob } = runRowProgram(row(), programOf({ sampling, logprob: true }), 0);
    const sum = LOGITS.reduce((total, logit) => total + Math.exp(logit), 0);
    expect(logprob).toBeCloseTo(2.5 - Math.log(sum), 9);
  });

  it('own their memory, so that the row may die after the call', () => {
    const wanted = { logprob: true, uncertainty: true, distribution: true, topLogprobs: 3 };
    const program = programOf(wanted);
    const logits = row();
    const result = runRowProgram(logits, program, 3);
    const before = structuredClone(result);
    logits.fill(Number.NaN);
    expect(result).toEqual(before);
  });

  it('do not change the row, so that two programs may read it', () => {
    const logits = row();
    for (const sampling of Object.values(SAMPLINGS)) {
      runRowProgram(logits, programOf({ sampling, uncertainty: true, distribution: true }), 0);
    }
    expect(logits).toEqual(row());
  });
});

describe('a mask', () => {
  const POSITION = 4;
  const maskOf = (ids: readonly number[]): Int32Array => {
    const mask = new Int32Array(Math.ceil(LOGITS.length / 32));
    for (const id of ids) mask[id >> 5] = (mask[id >> 5] ?? 0) | (1 << (id & 31));
    return mask;
  };
  const masked = (ids: readonly number[], changes: Partial<RowProgram> = {}) => {
    const program = programOf({ masks: new Map([[POSITION, maskOf(ids)]]), ...changes });
    return runRowProgram(row(), program, POSITION);
  };
  const anyIds = fc.uniqueArray(fc.nat({ max: LOGITS.length - 1 }), { minLength: 1 });

  it('leaves the distribution of a row in which the other tokens do not exist', () => {
    fc.assert(
      fc.property(anyIds, fc.constantFrom(...Object.values(SAMPLINGS)), (ids, sampling) => {
        const penalised = { ...sampling, logitBias: { 2: 4, 5: -3 }, repetitionPenalty: 1.5 };
        const text = tokenIds([5, 2, 5, 1]);
        const program = { sampling: penalised, text };
        const wanted = { ...program, distribution: true, uncertainty: true };
        const { tokenId: choice, distribution, ...score } = masked(ids, wanted);
        const alone = runRowProgram(
          row().map((logit, id) => (ids.includes(id) ? logit : Number.NEGATIVE_INFINITY)),
          programOf(wanted),
          POSITION,
        );
        expect([choice, distribution]).toEqual([alone.tokenId, alone.distribution]);
        expect(score).toMatchObject({ entropy: alone.entropy, margin: alone.margin });
        expect(ids).toContain(choice);
      }),
    );
  });

  it('makes the only allowed token certain, and keeps the log-probability of the model', () => {
    const result = masked([6], { uncertainty: true, logprob: true, sampling: GREEDY });
    const { logSumExp } = rowStatistics(row(), LOGITS.length);
    expect(result).toMatchObject({ tokenId: 6, entropy: 0, margin: 1 });
    expect(result.logprob).toBeCloseTo((LOGITS[6] ?? 0) - logSumExp, 12);
  });

  it('that allows no token is an error, greedy and sampled', () => {
    for (const sampling of Object.values({ ...SAMPLINGS, greedy: GREEDY })) {
      expect(() => masked([], { sampling, distribution: true })).toThrow(
        expect.objectContaining({ code: 'grammar-stuck' }),
      );
    }
  });

  it('of null constrains nothing, and a missing mask is a bug', () => {
    const free = programOf({ masks: new Map([[POSITION, null]]) });
    expect(runRowProgram(row(), free, POSITION)).toEqual(
      runRowProgram(row(), programOf(), POSITION),
    );
    expect(() => runRowProgram(row(), free, POSITION + 1)).toThrow('no mask for position 5');
  });

  it('has the same effect in the kernel as in the plain loops', () => {
    const size = 5000;
    const logits = Float32Array.from({ length: size }, (_, id) => Math.sin(id * 7.3) * 6);
    const mask = new Int32Array(Math.ceil(size / 32)).map((_, word) =>
      word % 3 === 0 ? 0x1248 : 0,
    );
    for (const sampling of Object.values({ ...SAMPLINGS, greedy: GREEDY })) {
      for (let position = 0; position < 20; position += 1) {
        const masks = new Map([[position, mask]]);
        const text = Array.from({ length: 30 }, (_, at) => tokenId(at * 150));
        const wanted = { logprob: true, uncertainty: true, distribution: true };
        const more = { topLogprobs: 9, textLogprob: true, text };
        const program = programOf({ vocabularySize: size, sampling, masks, ...wanted, ...more });
        const fast = runRowProgram(logits, program, position);
        const plain = runRowProgram(logits, program, position, (of) => new PlainRow(of, size));
        expect(fast.textLogprob).toBeCloseTo(plain.textLogprob ?? Number.NaN, 8);
        expect(largestGap(fast.topLogprobs, plain.topLogprobs)).toBeLessThan(1e-6);
        expect(fast.tokenId).toBe(plain.tokenId);
        expect(fast.entropy).toBeCloseTo(plain.entropy ?? Number.NaN, 8);
        expect(fast.margin).toBeCloseTo(plain.margin ?? Number.NaN, 8);
        expect(fast.logprob).toBeCloseTo(plain.logprob ?? Number.NaN, 8);
        expect(fast.distribution?.[fast.tokenId]).toBeCloseTo(
          plain.distribution?.[plain.tokenId] ?? Number.NaN,
          8,
        );
      }
    }
  });
});

/** The largest difference between two lists of log-probabilities; equal infinities do not differ. */
function largestGap(a: Float32Array | null, b: Float32Array | null): number {
  expect(a?.length).toBe(b?.length);
  const gaps = Array.from(a ?? [], (value, at) => (value === b?.[at] ? 0 : value - (b?.[at] ?? 0)));
  return Math.max(0, ...gaps.map(Math.abs));
}

interface GivenRow {
  readonly logits: Float32Array;
  readonly mask: Int32Array | null;
}

/** Rows below and above the size at which the kernel begins, some masked, many with ties. */
const ANY_ROW: fc.Arbitrary<GivenRow> = fc
  .record({
    size: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1020, max: 1400 })),
    step: fc.constantFrom(0, 0.25, 3),
    spread: fc.constantFrom(0.5, 6, 80),
    seed: fc.nat(),
    allowed: fc.option(fc.constantFrom(-1, 1, 0x1248)),
  })
  .map(({ size, step, spread, seed, allowed }) => {
    const logits = Float32Array.from({ length: size }, (_, id) => {
      const value = Math.sin((id + 1) * (seed % 9973)) * spread;
      return step === 0 ? value : Math.round(value / step) * step;
    });
    const mask = allowed === null ? null : new Int32Array(Math.ceil(size / 32)).fill(allowed);
    if (mask !== null) mask[0] = (mask[0] ?? 0) | 1;
    return { logits, mask };
  });

/** By definition: sort all tokens, take logarithms of a softmax. */
function topByDefinition({ logits, mask }: GivenRow, count: number): number[] {
  const isAllowed = (id: number): boolean =>
    mask === null || (((mask[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1;
  const left = [...logits].filter((_, id) => isAllowed(id)).sort((a, b) => b - a);
  const max = left[0] ?? 0;
  const logSum = max + Math.log(left.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
  return Array.from({ length: count }, (_, at) => (left[at] ?? Number.NEGATIVE_INFINITY) - logSum);
}

const PLAIN = (logits: Float32Array, size: number) => new PlainRow(logits, size);
const ANY_SAMPLING = fc.constantFrom(GREEDY, ...Object.values(SAMPLINGS));

describe('the largest log-probabilities', () => {
  it('are those of the allowed tokens before the sampling steps, in both ways through a row', () => {
    fc.assert(
      fc.property(
        ANY_ROW,
        ANY_SAMPLING,
        fc.integer({ min: 1, max: 64 }),
        (given, sampling, top) => {
          const size = given.logits.length;
          const masks = new Map([[4, given.mask]]);
          const steps = { ...sampling, logitBias: { 0: 3 } };
          const wanted = { topLogprobs: top, vocabularySize: size, sampling: steps, masks };
          const expected = Float32Array.from(topByDefinition(given, top));
          for (const open of [undefined, PLAIN]) {
            const { topLogprobs } = runRowProgram(given.logits, programOf(wanted), 4, open);
            expect(largestGap(topLogprobs, expected)).toBeLessThan(2e-5);
            expect([...(topLogprobs ?? [])]).toEqual(
              [...(topLogprobs ?? [])].sort((a, b) => b - a),
            );
          }
        },
      ),
    );
  });

  it('begin with that of the greedy token, and agree with the margin', () => {
    const wanted = { topLogprobs: 2, logprob: true, uncertainty: true, sampling: GREEDY };
    const { topLogprobs, logprob, margin } = runRowProgram(row(), programOf(wanted), 0);
    const [best = 0, second = 0] = topLogprobs ?? [];
    expect(best).toBeCloseTo(logprob ?? Number.NaN, 6);
    expect(Math.exp(best) - Math.exp(second)).toBeCloseTo(margin ?? Number.NaN, 6);
  });

  it.each([65, 1.5, -1])('are refused in a number of %d', (topLogprobs) => {
    expect(() => runRowProgram(row(), programOf({ topLogprobs }), 0)).toThrow('cannot be asked');
  });
});

describe('the log-probability of the text', () => {
  const logprobs = (): number[] => {
    const { logSumExp } = rowStatistics(row(), LOGITS.length);
    return LOGITS.map((logit) => logit - logSumExp);
  };
  const anyText = fc.array(fc.nat(LOGITS.length - 1), { minLength: 1, maxLength: 12 });

  it('is that of the token at the position, whatever follows it, is allowed or is drawn', () => {
    fc.assert(
      fc.property(anyText, fc.nat(), ANY_SAMPLING, fc.boolean(), (tokens, at, sampling, isFree) => {
        const position = at % tokens.length;
        const masks = new Map([[position, isFree ? null : Int32Array.of(0b10)]]);
        const penalised = { ...sampling, presencePenalty: 0.5, logitBias: { 3: 2 } };
        const wanted = { sampling: penalised, masks, textLogprob: true, uncertainty: true };
        const program = programOf({ ...wanted, text: tokenIds(tokens) });
        const found = runRowProgram(row(), program, position);
        expect(found.textLogprob).toBeCloseTo(logprobs()[tokens[position] ?? 0] ?? 0, 9);
      }),
    );
  });

  it('leaves penalties to the tokens before the row', () => {
    fc.assert(
      fc.property(anyText, fc.nat(), fc.nat(4), (tokens, at, penaltyWindow) => {
        const position = at % tokens.length;
        const penalties = { repetitionPenalty: 1.7, frequencyPenalty: 0.4, penaltyWindow };
        const wanted = { sampling: { ...SAMPLED, ...penalties }, distribution: true };
        const of = (text: readonly number[]) =>
          runRowProgram(row(), programOf({ ...wanted, text: tokenIds(text) }), position);
        expect(of(tokens)).toEqual(of(tokens.slice(0, position)));
      }),
    );
  });

  it('needs a text that reaches the position', () => {
    const text = tokenIds([1, 2]);
    const ask = (changes: Partial<RowProgram>, position: number) => () =>
      runRowProgram(row(), programOf({ textLogprob: true, ...changes }), position).textLogprob;
    expect(ask({ text }, 1)()).toBeCloseTo(logprobs()[2] ?? 0, 9);
    expect(ask({ text }, 2)).toThrow('the text ends before position 3');
    expect(ask({}, 0)).toThrow('the text ends');
  });

  it('is minus infinity for ids that do not exist', () => {
    const program = programOf({ vocabularySize: 6, textLogprob: true, text: tokenIds([6]) });
    expect(runRowProgram(row(), program, 0).textLogprob).toBe(Number.NEGATIVE_INFINITY);
  });
});
