import { describe, expect, it } from 'vitest';
import { PilotfishError } from './errors.ts';
import { GREEDY, type SamplingParams, samplingParams } from './sampling-params.ts';

function failure(given: Partial<SamplingParams>): unknown {
  try {
    return samplingParams(given);
  } catch (error) {
    return error;
  }
}

const BAD: readonly Partial<SamplingParams>[] = [
  ...[-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53].map((topK) => ({ topK })),
  ...[0, -0.1, 1.0001, Number.NaN, Number.NEGATIVE_INFINITY].map((topP) => ({ topP })),
  ...[-0.01, 1, 2, Number.NaN, Number.POSITIVE_INFINITY].map((minP) => ({ minP })),
  ...[-0.1, 100.1, Number.NaN, Number.POSITIVE_INFINITY].map((temperature) => ({ temperature })),
  ...[0, -1, 100.1, Number.NaN].map((repetitionPenalty) => ({ repetitionPenalty })),
  ...[-100.1, 100.1, Number.NaN].map((frequencyPenalty) => ({ frequencyPenalty })),
  ...[-100.1, 100.1, Number.NaN].map((presencePenalty) => ({ presencePenalty })),
  ...[-1, 0.5, Number.NaN].map((penaltyWindow) => ({ penaltyWindow })),
];

const GOOD: readonly Partial<SamplingParams>[] = [
  {},
  { topK: 0 },
  { topK: 1_000_000 },
  { topP: 1 },
  { topP: Number.MIN_VALUE },
  { minP: 0 },
  { minP: 0.999 },
  { temperature: 0 },
  { temperature: 100 },
];

describe('logit biases', () => {
  it.each([
    [{ '-1': 1 }, '-1'],
    [{ two: 1 }, 'two'],
    [{ '3': Number.NaN }, 'NaN'],
    [{ '3': 1000.5 }, '1000.5'],
  ])('refuses %o, naming the wrong value', (logitBias, value) => {
    expect(failure({ logitBias })).toMatchObject({
      code: 'option-invalid',
      fields: { option: 'logitBias', value },
    });
  });

  it('refuses more biases than the limit', () => {
    const logitBias = Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 1]));
    expect(failure({ logitBias })).toMatchObject({
      fields: { option: 'logitBias', value: '1025' },
    });
  });
});

describe('samplingParams', () => {
  it('is greedy by default', () => {
    expect(samplingParams()).toEqual(GREEDY);
    expect(samplingParams().temperature).toBe(0);
  });

  it.each(GOOD)('fills in the rest of %o', (given) => {
    expect(samplingParams(given)).toEqual({ ...GREEDY, ...given });
  });

  it.each(BAD)('refuses %o, naming the option and the value', (given) => {
    const [[option, value]] = Object.entries(given) as [[string, number]];
    const error = failure(given);
    expect(error).toBeInstanceOf(PilotfishError);
    expect(error).toMatchObject({
      code: 'option-invalid',
      message: expect.stringMatching(
        `^${option} is ${String(value).replace(/[+.]/g, '\\$&')}, not`,
      ),
      remedy: expect.stringContaining(option),
      fields: { option, value: String(value) },
    });
  });
});
