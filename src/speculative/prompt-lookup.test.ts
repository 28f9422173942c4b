import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TokenId, tokenId, tokenIds } from '../core/token-id.ts';
import { DRAFT_LENGTH_MAX, type SpeculationCosts } from './draft-length.ts';
import {
  type Lookup,
  lookUp,
  lookupAcceptance,
  MATCH_LENGTH_MAX,
  MATCH_LENGTH_MIN,
  PromptLookupProposer,
} from './prompt-lookup.ts';
import type { Draft, DraftLengthChoice } from './proposer.ts';

const FREE_ROWS: SpeculationCosts = { verifyMs: () => 10, draftMs: () => 0 };
const DEAR_ROWS: SpeculationCosts = { verifyMs: (rowCount) => 10 * rowCount, draftMs: () => 0 };

/** Few different tokens, so that matches are frequent. */
const anyText = fc.array(fc.nat({ max: 2 }), { maxLength: 40 }).map(tokenIds);

/** By definition: the longest end that occurs earlier; of several occurrences, the latest. */
function oracle(text: readonly TokenId[], lengthMax: number): Lookup | null {
  for (let length = MATCH_LENGTH_MAX; length >= MATCH_LENGTH_MIN; length -= 1) {
    const wanted = text.slice(text.length - length).join();
    for (let start = text.length - length - 1; start >= 0; start -= 1) {
      if (text.length < length || text.slice(start, start + length).join() !== wanted) continue;
      const end = start + length;
      if (lengthMax < 1) return null;
      const period = text.slice(end);
      const tokens = Array.from({ length: lengthMax }, (_, at) => period[at % period.length]);
      return { tokens: tokens.filter((token) => token !== undefined), matchLength: length };
    }
  }
  return null;
}

function proposerOf(
  length: DraftLengthChoice,
  costs: SpeculationCosts | null = FREE_ROWS,
): { proposer: PromptLookupProposer; acceptance: ReturnType<typeof lookupAcceptance> } {
  const acceptance = lookupAcceptance();
  return { proposer: new PromptLookupProposer({ acceptance, length, costs }), acceptance };
}

const propose = (
  proposer: PromptLookupProposer,
  text: readonly number[],
  lengthMax = 100,
): Promise<Draft | null> => proposer.propose({ text: tokenIds(text), lengthMax });

describe('lookUp', () => {
  it('finds the match that the definition finds', () => {
    fc.assert(
      fc.property(anyText, fc.nat({ max: 10 }), (text, lengthMax) => {
        expect(lookUp(text, lengthMax)).toEqual(oracle(text, lengthMax));
      }),
      { numRuns: 2000 },
    );
  });

  it('prefers the longer match to the later one', () => {
    const text = tokenIds([1, 2, 3, 70, 9, 2, 3, 80, 1, 2, 3]);
    expect(lookUp(text, 1)).toEqual({ tokens: [70], matchLength: 3 });
  });

  it('prefers the later of two equally long matches', () => {
    const text = tokenIds([2, 3, 70, 2, 3, 80, 2, 3]);
    expect(lookUp(text, 1)).toEqual({ tokens: [80], matchLength: 2 });
  });

  it('continues through an overlap, so that a repetition goes on', () => {
    expect(lookUp(tokenIds([7, 7, 7, 7]), 8)).toEqual({ tokens: Array(8).fill(7), matchLength: 3 });
    expect(lookUp(tokenIds([1, 2, 1, 2, 1]), 8)).toEqual({
      tokens: [2, 1, 2, 1, 2, 1, 2, 1],
      matchLength: 3,
    });
  });

  it('finds nothing in a text without repetition, or in a short text', () => {
    for (const text of [[], [1], [1, 1], [1, 2, 3, 4, 5], [1, 2, 9, 2]]) {
      expect(lookUp(tokenIds(text), 8)).toBeNull();
    }
  });
});

describe('PromptLookupProposer', () => {
  it('proposes at least one token and at most the limit, or declines', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyText,
        fc.nat({ max: 12 }),
        fc.oneof(fc.constant<'auto'>('auto'), fc.integer({ min: 1, max: 20 })),
        async (text, lengthMax, length) => {
          const draft = await propose(proposerOf(length).proposer, text, lengthMax);
          const found = oracle(text, lengthMax);
          if (draft === null) return;
          const count = draft.tokens.length;
          expect(count).toBeGreaterThan(0);
          expect(count).toBeLessThanOrEqual(Math.min(lengthMax, DRAFT_LENGTH_MAX));
          if (length !== 'auto') expect(count).toBeLessThanOrEqual(length);
          expect(draft.tokens).toEqual(found?.tokens.slice(0, count));
          expect(draft).toMatchObject({ origin: 'prompt-lookup', distributions: null });
        },
      ),
      { numRuns: 500 },
    );
  });

  it('proposes the available tokens up to a fixed length', async () => {
    const text = [1, 2, 30, 40, 50, 1, 2];
    expect((await propose(proposerOf(2).proposer, text))?.tokens).toEqual([30, 40]);
    expect((await propose(proposerOf(6).proposer, text))?.tokens).toEqual([30, 40, 50, 1, 2, 30]);
    expect((await propose(proposerOf(8).proposer, text, 1))?.tokens).toEqual([30]);
    expect(await propose(proposerOf(8).proposer, text, 0)).toBeNull();
  });

  it('declines if verifying does not pay or costs are unknown', async () => {
    for (const [costs, note] of [
      [DEAR_ROWS, 'prompt lookup: 0 of 0 drafts accepted, 1 matches not worth verifying'],
      [null, 'prompt lookup off: step costs were not measured'],
    ] as const) {
      const { proposer } = proposerOf('auto', costs);
      expect(await propose(proposer, [1, 2, 30, 1, 2])).toBeNull();
      expect(proposer.note()).toBe(note);
    }
  });

  it('needs no costs for a fixed length', async () => {
    const { proposer } = proposerOf(2, null);
    expect(await propose(proposer, [1, 2, 30, 40, 1, 2])).not.toBeNull();
    expect(proposer.note()).toContain('prompt lookup: 0 of 2 drafts accepted');
  });

  it('learns from sent drafts by the length of their match', async () => {
    const { proposer, acceptance } = proposerOf(3);
    const before = new Map([...acceptance].map(([length, { value }]) => [length, value]));
    const draft = await propose(proposer, [1, 2, 30, 40, 50, 1, 2]);
    if (draft !== null) proposer.observe(draft, 3);
    expect(acceptance.get(2)?.value).toBeGreaterThan(before.get(2) ?? 1);
    for (const length of [3, 4, 5]) expect(acceptance.get(length)?.value).toBe(before.get(length));
    expect(proposer.note()).toBe(
      'prompt lookup: 3 of 3 drafts accepted, 0 matches not worth verifying',
    );
  });

  it('scores a held-back draft once the target has written its place', async () => {
    const { proposer, acceptance } = proposerOf('auto', DEAR_ROWS);
    const prior = acceptance.get(2)?.value ?? 0;
    const text = [1, 2, 30, 40, 50, 1, 2];
    const written = [30, 40, 50, 1, 2, 30, 40, 50];
    expect(await propose(proposer, text)).toBeNull();
    for (let count = 1; count < written.length; count += 1) {
      await propose(proposer, [...text, ...written.slice(0, count)]);
      expect(acceptance.get(2)?.value).toBe(prior);
    }
    await propose(proposer, [...text, ...written]);
    expect(acceptance.get(2)?.value).toBeGreaterThan(prior);
  });

  it('scores a held-back draft as soon as the target departs from it', async () => {
    const expected = lookupAcceptance().get(2);
    expected?.observe(1, 8);
    const { proposer, acceptance } = proposerOf('auto', DEAR_ROWS);
    const text = [1, 2, 30, 40, 50, 1, 2];
    await propose(proposer, text);
    await propose(proposer, [...text, 30, 99]);
    expect(acceptance.get(2)?.value).toBe(expected?.value);
  });

  it('learns from held-back drafts that drafting would pay after all', async () => {
    // Two rows cost a little more than one, so drafting pays only if drafts hold.
    const costs = { verifyMs: (rowCount: number) => 10 + 6 * (rowCount - 1), draftMs: () => 0 };
    const { proposer } = proposerOf('auto', costs);
    const phrase = [11, 12, 13, 14, 15, 16, 17];
    const text: number[] = [...phrase];
    let sentAt: number | null = null;
    for (let step = 0; step < 400 && sentAt === null; step += 1) {
      const draft = await propose(proposer, text);
      if (draft !== null) sentAt = step;
      text.push(phrase[step % phrase.length] ?? 0);
    }
    expect(sentAt).toBeGreaterThan(phrase.length);
  });

  it('sends only the allowed beginning of a draft, and declines if that is empty', async () => {
    const asked: number[][] = [];
    const proposer = new PromptLookupProposer({
      acceptance: lookupAcceptance(),
      length: 4,
      costs: FREE_ROWS,
      allowed: async (text, draft) => {
        asked.push([text.length, ...draft]);
        return draft.slice(0, draft.indexOf(tokenId(50)));
      },
    });
    const draft = await propose(proposer, [1, 2, 30, 40, 50, 1, 2]);
    expect(draft?.tokens).toEqual([30, 40]);
    expect(await propose(proposer, [1, 2, 50, 60, 1, 2])).toBeNull();
    expect(asked).toEqual([
      [7, 30, 40, 50, 1],
      [6, 50, 60, 1, 2],
    ]);
    expect(proposer.note()).toContain('0 of 2 drafts accepted');
  });
});
