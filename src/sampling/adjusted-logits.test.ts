import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GREEDY, type SamplingParams, samplingParams } from '../core/sampling-params.ts';
import { tokenIds } from '../core/token-id.ts';
import { adjustedLogits, maskedLogits } from './adjusted-logits.ts';
import { runRowProgram } from './run-row-program.ts';

const LOGITS = Float32Array.of(2, 1, -1, 0, 5);

function adjust(params: Partial<SamplingParams>, before: readonly number[]): number[] {
  return [...adjustedLogits(LOGITS, 4, { ...GREEDY, ...params }, tokenIds(before))];
}

describe('adjustedLogits', () => {
  it('hands the row back untouched when nothing changes it', () => {
    expect(adjustedLogits(LOGITS, 4, GREEDY, tokenIds([0, 1]))).toBe(LOGITS);
    const penalty = { ...GREEDY, repetitionPenalty: 2 };
    expect(adjustedLogits(LOGITS, 4, penalty, [])).toBe(LOGITS);
    expect(adjustedLogits(LOGITS, 4, { ...penalty, penaltyWindow: 0 }, tokenIds([0]))).toBe(LOGITS);
  });

  it('never writes into its input row', () => {
    const before = [...LOGITS];
    adjust({ presencePenalty: 3, logitBias: { 1: 7 } }, [0, 1, 2, 3]);
    expect([...LOGITS]).toEqual(before);
  });

  it('adds biases, also to tokens that never occurred, and ignores ids that do not exist', () => {
    expect(adjust({ logitBias: { 0: -100, 3: 4, 4: 9, 99: 1 } }, [])).toEqual([-98, 1, -1, 4]);
  });

  it('makes repeated tokens less likely, whatever the sign of their logits', () => {
    expect(adjust({ repetitionPenalty: 2 }, [0, 2, 2])).toEqual([1, 1, -2, 0]);
  });

  it('multiplies the frequency penalty by the count, and applies the presence penalty once', () => {
    expect(adjust({ frequencyPenalty: 0.5 }, [0, 0, 1])).toEqual([1, 0.5, -1, 0]);
    expect(adjust({ presencePenalty: 0.5 }, [0, 0, 1])).toEqual([1.5, 0.5, -1, 0]);
  });

  it('penalises after the bias', () => {
    expect(adjust({ logitBias: { 1: 3 }, repetitionPenalty: 2 }, [1])).toEqual([2, 2, -1, 0]);
  });

  it('looks back no further than the window', () => {
    const params = { presencePenalty: 1, penaltyWindow: 2 };
    expect(adjust(params, [0, 1, 2])).toEqual([2, 0, -2, 0]);
  });
});

describe('a row program with penalties', () => {
  const program = (text: readonly number[], changes: Partial<SamplingParams>) => ({
    vocabularySize: 4,
    sampling: samplingParams(changes),
    seed: 1,
    purpose: 'sample' as const,
    text: tokenIds(text),
    logprob: true,
    distribution: true,
  });

  it('penalises only the tokens before its draw', () => {
    // The draft behind position 2 is token 0; it must not count against the draw at position 2.
    const text = [3, 1, 0];
    const changes = { presencePenalty: 10 };
    expect(runRowProgram(LOGITS, program(text, changes), 2).tokenId).toBe(0);
    expect(runRowProgram(LOGITS, program(text, changes), 3).tokenId).toBe(2);
  });

  it('reports the log-probability of the model without penalties', () => {
    const plain = runRowProgram(LOGITS, program([0], {}), 1);
    const biased = runRowProgram(LOGITS, program([0], { logitBias: { 0: 50 } }), 1);
    expect(biased.logprob).toBe(plain.logprob);
  });

  it('reports a text that is missing or too short', () => {
    const changes = { repetitionPenalty: 1.3 };
    const { text: _text, ...without } = program([0], changes);
    expect(() => runRowProgram(LOGITS, without, 1)).toThrow('penalties need the text');
    expect(() => runRowProgram(LOGITS, program([0], changes), 2)).toThrow('ends before position');
  });

  it('takes the best token of its distribution if it is greedy', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 8 }),
        fc.double({ min: 0.5, max: 2, noNaN: true }),
        fc.double({ min: -2, max: 2, noNaN: true }),
        (text, repetitionPenalty, frequencyPenalty) => {
          const given = program(text, { repetitionPenalty, frequencyPenalty });
          const { tokenId: choice, distribution } = runRowProgram(LOGITS, given, text.length);
          expect(distribution?.[choice]).toBe(1);
          expect(choice).toBeLessThan(4);
        },
      ),
    );
  });
});

describe('maskedLogits', () => {
  it('keeps the allowed tokens and masks the others, by whole words and by single bits', () => {
    const anyWord = fc.oneof(fc.constant(0), fc.constant(-1), fc.integer());
    fc.assert(
      fc.property(fc.array(anyWord, { minLength: 1, maxLength: 4 }), fc.nat(31), (words, cut) => {
        const size = 32 * words.length - cut;
        const logits = Float32Array.from({ length: 32 * words.length }, (_, id) => id);
        const masked = maskedLogits(logits, size, Int32Array.from(words));
        const expected = Array.from({ length: size }, (_, id) => {
          const isAllowed = ((BigInt(words[id >> 5] ?? 0) >> BigInt(id & 31)) & 1n) === 1n;
          return isAllowed ? id : Number.NEGATIVE_INFINITY;
        });
        expect([...masked]).toEqual(expected);
        expect(logits[0]).toBe(0);
      }),
    );
  });

  it('hands the row back untouched without a mask', () => {
    expect(maskedLogits(LOGITS, 4, null)).toBe(LOGITS);
  });
});
