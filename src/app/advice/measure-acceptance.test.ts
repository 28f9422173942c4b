import { describe, expect, it } from 'vitest';
import type { EngineEvent, Origin, TokenEvent } from '../../core/events.ts';
import { type TokenId, tokenId } from '../../core/token-id.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { asStrategy } from '../../strategy/strategy-value.ts';
import { lookupStatistics, measureAcceptance, TRIED_METHODS } from './measure-acceptance.ts';

const ids = (text: string): TokenId[] => [...text].map((letter) => tokenId(letter.charCodeAt(0)));

describe('lookupStatistics', () => {
  it.each([
    // No pair of tokens occurs twice.
    ['', 'abcdef', 0, 0],
    // After "ab" comes "c" as before; "bc" promises "d", and so does "cd" an "e".
    ['', 'abcdabcx', 2 / 8, 1 / 2],
    ['abcd', 'abcx', 2 / 4, 1 / 2],
    // The last two tokens of the prompt are looked up too.
    ['abcdab', 'cx', 2 / 2, 1 / 2],
    ['abab', 'ab', 2 / 2, 1],
    ['abcab', '', 0, 0],
  ])('of "%s" and then "%s": %d found, %d of them hold', (prompt, answer, hitRate, acceptance) => {
    const found = lookupStatistics([{ prompt: ids(prompt), answer: ids(answer) }]);
    expect(found.hitRate).toBeCloseTo(hitRate, 12);
    expect(found.acceptance).toBeCloseTo(acceptance, 12);
  });

  it('counts all texts together, and looks in each alone', () => {
    const texts = ['abab', 'abcdef', 'abc'].map((text) => ({ prompt: [], answer: ids(text) }));
    // Only in the first text: "ab", "ab" promises an "a" that does not come, because the text ends.
    expect(lookupStatistics(texts)).toEqual({ hitRate: 0, acceptance: 0 });
    const repeated = [...texts, { prompt: ids('abab'), answer: ids('ax') }];
    expect(lookupStatistics(repeated)).toEqual({ hitRate: 2 / 15, acceptance: 1 / 2 });
  });
});

const token = (letter: string, origin: Origin, proposed: string | null): TokenEvent => ({
  ...{ type: 'token', index: 0, text: letter, origin, verified: false, score: null },
  ...{ logprob: null, round: 0, elapsedMs: 0, tokenId: tokenId(letter.charCodeAt(0)) },
  proposedTokenId: proposed === null ? null : tokenId(proposed.charCodeAt(0)),
});

/** Writes the same after every prompt. */
const WRITTEN: Readonly<Record<string, readonly TokenEvent[]>> = {
  // The large model's text, and the small model's choices: three of four are equal.
  'entropy@-1': [
    token('a', 'large', 'a'),
    token('b', 'large', 'b'),
    token('c', 'large', 'c'),
    token('y', 'large', 'x'),
  ],
  entropy: [
    ...[token('a', 'small', null), token('a', 'large', 'b')],
    ...[token('a', 'small', null), token('a', 'small', null)],
  ],
  margin: [token('a', 'large', 'b'), token('a', 'small', null)],
};

const textOf = ({ strategy = '' }: GenerateRequest): string => asStrategy(strategy).text;

describe('measureAcceptance', () => {
  it('measures every strategy at its default, and the drafts that would hold', async () => {
    const asked: GenerateRequest[] = [];
    const engine = {
      async *generate(request: GenerateRequest): AsyncGenerator<EngineEvent, void> {
        asked.push(request);
        yield* WRITTEN[textOf(request)] ?? [];
      },
      promptTokens: () => ids('xabcz'),
    };
    const statistics = await measureAcceptance(engine, {});
    expect(statistics.shares).toMatchObject({ entropy: 1 / 4, margin: 1 / 2, cascade: 0 });
    expect(statistics.acceptance).toBe(3 / 4);
    // Of "abcy", "ab" promises the "c" that comes, and "abc" a "z", as in the prompt.
    expect(statistics.lookup).toEqual({ hitRate: 2 / 4, acceptance: 1 / 2 });
    const tried = TRIED_METHODS.map(({ name }) => name);
    expect(tried).toEqual(expect.arrayContaining(['entropy', 'margin', 'cascade']));
    expect(Object.keys(statistics.shares)).toEqual(tried);
    expect(asked.map(textOf)).toEqual(
      ['entropy@-1', ...tried].flatMap((name) => [name, name, name]),
    );
  });

  it("measures the engine's overhead around a forward, without the prefill", async () => {
    const work = (rowCounts: number[], computeMs: number): EngineEvent => ({
      ...{ type: 'work', model: 'large', purpose: 'correct', rowCounts, outputRowCount: 1 },
      ...{ reusedRowCount: 0, waitedMs: 0, computeMs, bytesUp: 0, bytesDown: 0 },
    });
    const engine = {
      async *generate(): AsyncGenerator<EngineEvent, void> {
        yield work([90], 500);
        yield { ...token('a', 'large', 'a'), elapsedMs: 700 };
        yield work([1], 3);
        yield work([1, 1], 6);
        yield { ...token('b', 'large', 'b'), elapsedMs: 715 };
      },
      promptTokens: () => ids('x'),
    };
    // 15 ms, 9 of them computing, over three forwards.
    expect((await measureAcceptance(engine, {})).overheadMs).toBeCloseTo(2, 9);
  });
});
