/** A router with token embeddings, on the pocket models: trained, used live and in an evaluation. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../src/app/evaluate.ts';
import { openEngine } from '../../src/app/open-engine.ts';
import { loadQuestions } from '../../src/app/questions/load-questions.ts';
import { type Trained, train } from '../../src/app/train.ts';
import { required } from '../../src/core/invariant.ts';
import { type TokenId, tokenId } from '../../src/core/token-id.ts';
import { withEmbeddings } from '../../src/judging/router.ts';
import { atOnce } from '../../src/network/steps.ts';
import { tokenScores } from '../../src/training/rounds/calibrate-along.ts';
import { READ_FEATURES } from '../../src/training/rounds/train-router.ts';
import { type Example, ExampleStore } from '../../src/training/traces/example-store.ts';
import { answer, loadPocket } from './pocket-pair.ts';

const MAX_TOKENS = 160;
const PAIR = { pair: 'pocket', offline: true, threadCount: 1 };
const QUESTIONS = { task: 'pocket', split: 'train', count: 8, questionSeed: 20_261_123 };
/**
 * Mean difference of scores: forwards of one row and of many differ in their last digits, and so do
 * hidden states.
 */
const SCORE_NOISE = 0.01;

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}

let folder: string;
let home: string;
let trained: Trained;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-embedding-'));
  home = join(folder, 'home');
  trained = await train({
    ...{ ...PAIR, ...QUESTIONS, home, folder, maxTokens: MAX_TOKENS, objective: 'citer-s' },
    features: { hidden: true, topLogprobs: 4, tokenEmbedding: true },
    ...{ width: 16, fit: { epochCountMax: 6 } },
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a router that looks at the embedding of the proposed token', () => {
  it('scores live rows as it scored the traced ones, by the embeddings of their tokens', async () => {
    const store = await ExampleStore.open(join(folder, 'readings.jsonl'));
    const { questions } = await loadQuestions(QUESTIONS);
    await using engine = await openEngine({
      ...{ ...PAIR, home, strategies: ['citer-s'], headFiles: [trained.path] },
    });
    await using small = await loadPocket('pocket-small');
    const scoresOf = (example: Example, shift: number): readonly number[] => {
      const embeddingOf = (id: TokenId): Float32Array =>
        small.tokenEmbedding(tokenId((id + shift) % small.vocabulary.size));
      const router = withEmbeddings(trained.router, embeddingOf);
      return atOnce(tokenScores(router, [example], READ_FEATURES));
    };
    const distances: number[] = [];
    const changes: number[] = [];
    for (const question of questions) {
      const { messages } = question;
      // The router always calls, so the answer is the large model's, which is the traced text.
      const { ids, tokens } = await answer(engine, { messages, strategy: 'citer-s@2' });
      const prompt = engine.promptTokens({ messages });
      const example = store.get({ question, source: 'large', prompt, tokens: ids, value: 1 });
      if (example === null) continue;
      const [read, changed] = [scoresOf(example, 0), scoresOf(example, 1)];
      for (const [at, { proposedTokenId, score }] of tokens.entries()) {
        if (proposedTokenId !== example.trace.small[at]) continue;
        const was = required(read[at], 'a score for every token');
        distances.push(Math.abs(was - required(score, 'a gate scores every token')));
        changes.push(Math.abs(was - required(changed[at], 'a score for every token')));
      }
    }
    expect(distances.length).toBeGreaterThan(200);
    expect(mean(distances)).toBeLessThan(SCORE_NOISE);
    // Otherwise the embeddings would have no visible effect.
    expect(mean(changes)).toBeGreaterThan(4 * SCORE_NOISE);
  });

  it('routes in an evaluation, whose rows are remembered', async () => {
    const { result } = await evaluate({
      ...{ ...PAIR, home, folder: join(folder, 'evaluation'), task: 'pocket', count: 2 },
      ...{ strategies: ['citer-s'], headFiles: [trained.path], shares: [0.4], seedCount: 1 },
      ...{ maxTokens: MAX_TOKENS, waveSize: 2, keepsRows: false },
    });
    const routed = result.results.find(({ strategy }) => strategy === 'citer-s');
    expect(routed?.largeShare).toBeGreaterThan(0);
    expect(routed?.largeShare).toBeLessThan(1);
  });
});
