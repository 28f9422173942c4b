import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TokenId, tokenIds } from '../core/token-id.ts';
import { AnswerGrammar } from './answer-grammar.ts';
import { freshMasks, maskOf, TOY_TABLE, ToyMatcher } from './fakes/toy-matcher.ts';
import { GrammarTracker } from './grammar-tracker.ts';

const PROMPT = [7, 7];

function toyGrammar(): { grammar: AnswerGrammar; fetched: () => number; closed: () => number } {
  const tracker = new GrammarTracker(new ToyMatcher(TOY_TABLE));
  let fetchedCount = 0;
  let closedCount = 0;
  const session = {
    masks: async (answer: readonly TokenId[], from: number) => {
      fetchedCount += answer.length - from + 1;
      return await tracker.masks(answer, from);
    },
    allowedLength: async (answer: readonly TokenId[]) => tracker.allowedLength(answer),
    unkept: [],
    violation: async () => null,
    [Symbol.dispose]: () => {
      closedCount += 1;
    },
  };
  const grammar = new AnswerGrammar(session, PROMPT.length);
  return { grammar, fetched: () => fetchedCount, closed: () => closedCount };
}

const textOf = (answer: readonly number[]): TokenId[] => tokenIds([...PROMPT, ...answer]);

describe('AnswerGrammar', () => {
  it('gives the masks of a fresh matcher at the positions of all rows', async () => {
    const anyAnswer = fc.array(fc.constantFrom(0, 1, 3), { maxLength: 6 });
    const anyTexts = fc.array(fc.tuple(anyAnswer, fc.nat({ max: 6 })), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(anyTexts, async (texts) => {
        const { grammar } = toyGrammar();
        for (const [answer, back] of texts) {
          const from = Math.max(0, answer.length - back);
          const masks = await grammar.masks(textOf(answer), answer.length - from + 1);
          const rows = freshMasks(TOY_TABLE, answer, from).map((_, index) =>
            masks.get(PROMPT.length + from + index),
          );
          expect(rows).toEqual(freshMasks(TOY_TABLE, answer, from));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('computes a mask once for drafts, verification and the second model', async () => {
    const { grammar, fetched } = toyGrammar();
    await grammar.masks(textOf([]), 1);
    await grammar.masks(textOf([0]), 1);
    await grammar.masks(textOf([0, 1]), 1);
    expect(fetched()).toBe(3);
    // To verify the drafts [0, 1, 0], only the row after the last one is new.
    await grammar.masks(textOf([0, 1, 0]), 4);
    expect(fetched()).toBe(4);
    await grammar.masks(textOf([0]), 1);
    await grammar.masks(textOf([0, 3]), 1);
    expect(fetched()).toBe(5);
  });

  it('drops old masks, and computes them again on demand', async () => {
    const { grammar } = toyGrammar();
    const long = Array.from({ length: 300 }, (_, index) => index % 2);
    for (let length = 0; length <= long.length; length += 1) {
      const masks = await grammar.masks(textOf(long.slice(0, length)), 1);
      expect(masks.size).toBeLessThanOrEqual(65);
    }
    const masks = await grammar.masks(textOf([0]), 2);
    expect([masks.get(2), masks.get(3)]).toEqual([maskOf([0, 1]), maskOf([1, 3])]);
  });

  it.each([
    [
      [0, 1, 0],
      [0, 1, 0],
    ],
    [
      [0, 1, 1, 0],
      [0, 1],
    ],
    [[3], []],
    [
      [1, 3, 0],
      [1, 3],
    ],
  ])('cuts the draft %j to %j', async (draft, allowed) => {
    const { grammar } = toyGrammar();
    expect(await grammar.allowedDraft(textOf([]), tokenIds(draft))).toEqual(allowed);
  });

  it('gives no masks inside the prompt, and closes its session', async () => {
    const { grammar, closed } = toyGrammar();
    await expect(grammar.masks(textOf([]), 2)).rejects.toThrow('inside the prompt');
    grammar[Symbol.dispose]();
    expect(closed()).toBe(1);
  });
});
