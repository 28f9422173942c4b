import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scriptedModel } from '../../../test/simulation/scripted-pair.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../core/token-id.ts';
import type { Gate } from '../../judging/gate.ts';
import { PrefixCache } from '../../kv-cache/prefix-cache.ts';
import type { ForwardRequest } from '../../model/roles.ts';
import { entropyGate } from '../../strategy/entropy.ts';
import { marginGate } from '../../strategy/margin.ts';
import { type TokenEvidence, teacherForced } from './teacher-forced.ts';

const SIZE = 12;
const FORCING = { gates: [entropyGate, marginGate], vocabularySize: SIZE };

/** One row at a time, each in a sequence of its own. */
async function rowByRow(
  prompt: readonly TokenId[],
  answer: readonly TokenId[],
): Promise<Pick<TokenEvidence, 'differs' | 'scores'>> {
  const scores: Record<string, number[]> = { entropy: [], margin: [] };
  let differs = '';
  for (const [index, token] of answer.entries()) {
    const model = scriptedModel('small', { contextLength: 64, rowCountMax: 64 });
    await using sequence = model.openSequence();
    const text = [...prompt, ...answer.slice(0, index)];
    const { rows } = await sequence.forward({
      tokens: text,
      outputFrom: text.length - 1,
      program: {
        ...{ vocabularySize: SIZE, sampling: GREEDY, seed: 0, purpose: 'sample' },
        uncertainty: true,
      },
    });
    const [row] = rows;
    differs += row?.tokenId === token ? '0' : '1';
    scores['entropy']?.push(row?.entropy ?? Number.NaN);
    scores['margin']?.push(row?.margin ?? Number.NaN);
  }
  return { differs, scores };
}

const TEXT = fc.array(fc.nat(SIZE - 1), { minLength: 1, maxLength: 20 }).map(tokenIds);

describe('evidence along an answer', () => {
  it("equals the model's rows one by one, in forwards of any width", async () => {
    await fc.assert(
      fc.asyncProperty(
        TEXT,
        TEXT,
        fc.integer({ min: 1, max: 9 }),
        async (prompt, answer, width) => {
          const widths: number[] = [];
          const model = scriptedModel('small', {
            ...{ contextLength: 64, rowCountMax: width },
            onForward: async ({ tokens }: ForwardRequest) => void widths.push(tokens.length),
          });
          const asked = { question: 'q/1', asked: 'abc', prompt, answer };
          const found = await teacherForced(model, asked, FORCING);
          const expected = await rowByRow(prompt, answer);
          expect(found).toEqual({ question: 'q/1', asked: 'abc', ...expected });
          expect(Math.max(...widths)).toBeLessThanOrEqual(width);
          // Every token but the last is read once.
          const rowCount = widths.reduce((sum, count) => sum + count, 0);
          expect(rowCount).toBe(prompt.length + answer.length - 1);
          expect(model.sequenceCount).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is the same with a pinned prompt prefix, which is read once', async () => {
    let rowCount = 0;
    const model = scriptedModel('small', {
      ...{ contextLength: 64, cellCount: 200, rowCountMax: 16 },
      onForward: async ({ tokens }: ForwardRequest) => {
        rowCount += tokens.length;
      },
    });
    const examples = tokenIds(Array.from({ length: 40 }, (_, at) => (at * 7) % SIZE));
    await using pool = new PrefixCache({ model });
    await pool.pin(examples);
    const answer = tokenIds([2, 0, 1]);
    for (const last of [0, 1, 2]) {
      const prompt = [...examples, ...tokenIds([last])];
      const asked = { question: 'q/1', asked: 'abc', prompt, answer };
      const found = await teacherForced(model, asked, { ...FORCING, pool });
      expect(found).toMatchObject(await rowByRow(prompt, answer));
    }
    expect(rowCount).toBe(40 + 3 * 3);
    expect([pool.used.sequenceCount, model.sequenceCount]).toEqual([0, 1]);
  });

  it('gives gates their inputs, with the token at its place in the text', async () => {
    const seen: unknown[] = [];
    const gateOf = (name: string, reads: Gate['reads']): Gate => ({
      name,
      reads,
      deferralSide: 'above',
      score: ({ hidden, topLogprobs, entropy }, position) => {
        seen.push([name, hidden?.length, topLogprobs?.length, entropy === null]);
        return position;
      },
    });
    const gates = [gateOf('a', { hidden: true, topLogprobs: 2 }), gateOf('b', { topLogprobs: 3 })];
    const asked: unknown[] = [];
    const model = scriptedModel('small', {
      ...{ contextLength: 64, rowCountMax: 2 },
      onForward: async ({ program: { hidden }, outputFrom, tokens }: ForwardRequest) =>
        void asked.push([hidden, outputFrom < tokens.length]),
    });
    const text = { prompt: tokenIds([1, 2, 3]), answer: tokenIds([4, 5, 6]) };
    const question = { question: 'q/1', asked: 'abc', ...text };
    const { scores } = await teacherForced(model, question, { gates, vocabularySize: SIZE });
    expect(scores).toEqual({ a: [3, 4, 5], b: [3, 4, 5] });
    expect(seen).toEqual(['a', 'a', 'a', 'b', 'b', 'b'].map((name) => [name, 1, 3, true]));
    expect(asked).toEqual([
      [true, false],
      [true, true],
      [true, true],
    ]);
  });

  it('records agreement and disagreement', async () => {
    const prompt = tokenIds([1, 2, 3]);
    const { differs } = await teacherForced(
      scriptedModel('small', { contextLength: 64 }),
      { question: 'q/1', asked: 'abc', prompt, answer: tokenIds([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]) },
      FORCING,
    );
    expect(differs).toMatch(/1/);
  });

  it('stops on an abort, and leaves no sequence', async () => {
    const controller = new AbortController();
    const model = scriptedModel('small', {
      ...{ contextLength: 64, rowCountMax: 2 },
      onForward: async () => controller.abort(),
    });
    const asked = { question: 'q/1', asked: 'a', prompt: tokenIds([1, 2]), answer: tokenIds([3]) };
    const stopped = teacherForced(model, asked, { ...FORCING, signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    expect(model.sequenceCount).toBe(0);
  });
});
