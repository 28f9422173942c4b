import { describe, expect, it } from 'vitest';
import { GREEDY, type SamplingParams } from '../core/sampling-params.ts';
import { tokenIds } from '../core/token-id.ts';
import { TOKEN_DIALECTS, type TokenServerKind } from './dialects.ts';
import { limitedBiases, type TokenLimit, tokenLimit } from './token-limit.ts';

/** Of 40 tokens, 3, 31, 32 and 39 are allowed. */
const MASK = Int32Array.of((1 << 3) | (1 << 31), 1 | (1 << 7));
const ALLOWED = [3, 31, 32, 39];
const SAMPLED: SamplingParams = { ...GREEDY, temperature: 1 };
const BIASED: SamplingParams = { ...GREEDY, logitBias: { '3': -7, '5': 50 } };

function limitOf(
  [onlyCountMax, neverCountMax]: readonly [number, number],
  sampling: SamplingParams = GREEDY,
  drawn: readonly number[] = [5],
): TokenLimit | null {
  const limits = { onlyCountMax, neverCountMax };
  return tokenLimit({ mask: MASK, vocabularySize: 40, sampling, limits, drawn: new Set(drawn) });
}

describe('the limit of a call', () => {
  it('is the allowed tokens, else the forbidden ones, else those that were drawn', () => {
    expect(limitOf([4, 36])).toEqual({ only: ALLOWED });
    const never = Array.from({ length: 40 }, (_, id) => id).filter((id) => !ALLOWED.includes(id));
    expect(limitOf([3, 36])).toEqual({ never });
    expect(limitOf([3, 35])).toEqual({ never: [5] });
  });

  it('leaves room for biases', () => {
    expect(limitOf([3, 37], BIASED)).toEqual({ never: [5] });
  });

  it('is a part of the drawn tokens where a draw may differ next time', () => {
    expect(limitOf([0, 2], GREEDY, [5, 6, 7])).toBeNull();
    expect(limitOf([0, 2], SAMPLED, [5, 6, 7])).toEqual({ never: [5, 6] });
  });

  it('is never a part of the mask where some allowed tokens are cut off', () => {
    expect(limitOf([0, 35], { ...SAMPLED, topP: 0.9 })).toBeNull();
    expect(limitOf([4, 0], { ...SAMPLED, topP: 0.9 })).toEqual({ only: ALLOWED });
  });
});

it('biases lift the allowed tokens above any other, and keep their distances', () => {
  const biases = limitedBiases(BIASED, { only: [3, 31] }, false);
  expect(biases).toEqual({ '3': 243, '31': 250 });
  expect(limitedBiases(BIASED, { never: [3, 9] }, false)).toEqual({
    '3': false,
    '5': 50,
    '9': false,
  });
  expect(limitedBiases(BIASED, undefined, false)).toEqual({ '3': -7, '5': 50 });
});

describe.each<[TokenServerKind, object, object]>([
  [
    'vllm',
    { allowed_token_ids: [3, 31], logit_bias: { '3': -7, '5': 50 } },
    { logit_bias: { '3': -7, '5': 50, '9': -100 } },
  ],
  [
    'sglang',
    { sampling_params: { logit_bias: { '3': 243, '31': 250 } } },
    { sampling_params: { logit_bias: { '3': -7, '5': 50, '9': -10_000 } } },
  ],
  [
    'llama-server',
    {
      logit_bias: [
        [3, 243],
        [31, 250],
      ],
    },
    {
      logit_bias: [
        [3, -7],
        [5, 50],
        [9, false],
      ],
    },
  ],
])('a call to %s', (kind, only, never) => {
  it.each([
    [{ only: [3, 31] }, only],
    [{ never: [9] }, never],
  ])('has the limit %o', (limit, expected) => {
    const asking = { model: 'm', sampling: BIASED, seed: null, topCount: null, limit };
    const { body } = TOKEN_DIALECTS[kind].rowsCall([tokenIds([1, 2])], asking);
    expect(body).toMatchObject(expected);
  });
});

it('llama-server is given no lifted tokens that its repetition penalty would scale', () => {
  const { maskLimits } = TOKEN_DIALECTS['llama-server'];
  expect(maskLimits(GREEDY).onlyCountMax).toBe(1024);
  expect(maskLimits({ ...GREEDY, repetitionPenalty: 1.1 }).onlyCountMax).toBe(0);
});
