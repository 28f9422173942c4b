import { describe, expect, it } from 'vitest';
import { LOCAL_CAPABILITIES, missingCapability, type SessionNeeds } from './capabilities.ts';

const LITTLE = {
  ...LOCAL_CAPABILITIES,
  reads: { logprob: true, topLogprobs: 5 },
  ...{ outputRowCountMax: 1, sharesNoise: false, keepsGrammar: false, input: 'text' as const },
};

const NEEDS: readonly (readonly [SessionNeeds, string | null])[] = [
  [{}, null],
  [{ reads: { logprob: true, topLogprobs: 5, hidden: false } }, null],
  [{ reads: { topLogprobs: 6 } }, 'it gives fewer of the largest log-probabilities'],
  [{ reads: { hidden: true } }, 'it gives no hidden states'],
  [{ reads: { distribution: true } }, 'it gives no whole distributions'],
  [{ outputRowCount: 1 }, null],
  [{ outputRowCount: 3 }, 'it gives at most 1 rows of a text at once, not 3'],
  [{ sharesNoise: true }, "it does not draw with the request's seed"],
  [{ tokenIds: true }, 'it takes text and no token ids'],
  [{ keepsGrammar: true }, 'it cannot keep to a grammar'],
];

describe('a capability that a model lacks', () => {
  it.each(NEEDS)('for the needs %o is named: %s', (needs, missing) => {
    expect(missingCapability(needs, LITTLE)).toBe(missing);
    expect(missingCapability(needs, LOCAL_CAPABILITIES)).toBeNull();
  });
});
