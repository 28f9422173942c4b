import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tokenIds } from '../core/token-id.ts';
import { freshMasks, maskOf, TOY_TABLE, ToyMatcher } from './fakes/toy-matcher.ts';
import { GrammarTracker } from './grammar-tracker.ts';

/** Mostly texts that the grammar allows, with drafts that it forbids. */
const anyAnswer = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.nat({ max: 6 }).map((n) => Array.from({ length: n }, (_, i) => i % 2)),
  },
  { weight: 2, arbitrary: fc.array(fc.constantFrom(0, 1, 3), { maxLength: 6 }) },
);

describe('GrammarTracker', () => {
  it('gives the masks of a fresh matcher after any earlier texts', async () => {
    const anyTexts = fc.array(fc.tuple(anyAnswer, fc.nat({ max: 6 })), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(anyTexts, async (texts) => {
        const tracker = new GrammarTracker(new ToyMatcher(TOY_TABLE));
        for (const [answer, back] of texts) {
          const from = Math.max(0, answer.length - back);
          const masks = await tracker.masks(tokenIds(answer), from);
          expect(masks).toEqual(freshMasks(TOY_TABLE, answer, from));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('counts the allowed tokens of a text as a fresh matcher does', () => {
    fc.assert(
      fc.property(fc.array(anyAnswer, { maxLength: 12 }), (answers) => {
        const tracker = new GrammarTracker(new ToyMatcher(TOY_TABLE));
        for (const answer of answers) {
          const fresh = new ToyMatcher(TOY_TABLE);
          const wrong = tokenIds(answer).findIndex((id) => !fresh.accept(id));
          const length = tracker.allowedLength(tokenIds(answer));
          expect(length).toBe(wrong < 0 ? answer.length : wrong);
        }
      }),
    );
  });

  it('accepts a token once while a text grows, and takes back only rejected drafts', async () => {
    const matcher = new ToyMatcher(TOY_TABLE);
    const tracker = new GrammarTracker(matcher);
    for (const answer of [[], [0], [0, 1], [0, 1, 0]]) {
      await tracker.masks(tokenIds(answer), answer.length);
    }
    expect(matcher.acceptedCount).toBe(3);
    await tracker.masks(tokenIds([0, 1, 0, 1, 0]), 3);
    expect(await tracker.masks(tokenIds([0, 3]), 1)).toEqual([maskOf([1, 3]), null]);
    expect(matcher.acceptedCount).toBe(6);
  });
});
