import { describe, expect, it } from 'vitest';
import {
  MAX_TOKENS,
  pointOf,
  questionOf,
  type ScriptedEvaluation,
  scriptedEvaluation,
} from '../../../test/evaluation/scripted-evaluation.ts';
import type { EngineEvent } from '../../core/events.ts';
import { answerText } from './answer-record.ts';
import { LARGE_ALONE } from './evaluation-plan.ts';
import { runWave, type WaveOptions } from './run-wave.ts';

const QUESTIONS = [1, 2, 3, 4].map((index) => questionOf(index));
const POINT = pointOf('entropy@0.5');

function options({ pair }: ScriptedEvaluation, more: Partial<WaveOptions> = {}): WaveOptions {
  return { engine: pair.engine, maxTokens: MAX_TOKENS, ...more };
}

describe('a wave', () => {
  it('answers its questions in order, each as if it ran alone', async () => {
    const world = scriptedEvaluation();
    const seen: string[] = [];
    const records = await runWave(
      QUESTIONS,
      POINT,
      options(world, {
        onEvents: ({ id }, events) => seen.push(`${id} ${events.at(-1)?.type}`),
        onAnswer: () => seen.push('answer'),
      }),
    );
    expect(records.map(({ question }) => question)).toEqual(QUESTIONS.map(({ id }) => id));
    for (const [index, question] of QUESTIONS.entries()) {
      const [alone] = await runWave([question], POINT, options(scriptedEvaluation()));
      expect(records[index]).toEqual(alone);
    }
    expect(seen.filter((one) => one === 'answer')).toHaveLength(4);
    expect(seen).toContain('letters/3 summary');
    expect(world.openCount()).toBe(0);
  });

  it('asks with the strategy, a seed for each question, and no prefix of another run', async () => {
    const world = scriptedEvaluation();
    await runWave(QUESTIONS, pointOf('random@0.25', 7), options(world));
    await runWave(QUESTIONS, pointOf('random@0.25', 8), options(world));
    const { requests } = world;
    expect(requests[0]).toMatchObject({
      messages: QUESTIONS[0]?.messages,
      strategy: 'random@0.25',
      maxTokens: MAX_TOKENS,
      reusePrefix: false,
    });
    expect(new Set(requests.map(({ seed }) => seed)).size).toBe(8);
  });

  it('ends when one request fails, names the question, and leaves nothing running', async () => {
    const world = scriptedEvaluation();
    const started: string[] = [];
    const ended: EngineEvent[] = [];
    const long = {
      ...questionOf(3),
      messages: [{ role: 'user' as const, content: 'ab'.repeat(60) }],
    };
    const wave = [QUESTIONS[0], QUESTIONS[1], long, QUESTIONS[3]].flatMap((one) => one ?? []);
    const engine: WaveOptions['engine'] = {
      generate: async function* (request) {
        const content = request.messages?.[0]?.content ?? '';
        started.push(content);
        for await (const event of world.engine.generate(request)) {
          ended.push(event);
          yield event;
        }
      },
    };
    const refused = runWave(wave, LARGE_ALONE, options(world, { engine }));
    await expect(refused).rejects.toMatchObject({
      code: 'prompt-too-long',
      message: expect.stringContaining('letters/3: The prompt has 120 tokens'),
      fields: { question: 'letters/3' },
      remedy: expect.any(String),
    });
    expect(started).toHaveLength(4);
    expect(ended.filter(({ type }) => type === 'summary')).toEqual([]);
    expect(world.openCount()).toBe(0);
    expect(world.engine.load).toEqual({ runningCount: 0, waitingCount: 0 });
    await world.engine.checkIdle();
  });

  it('stops on an abort', async () => {
    const controller = new AbortController();
    const world = scriptedEvaluation({
      large: {
        onForward: async () => {
          forwardCount += 1;
          if (forwardCount === 9) controller.abort();
        },
      },
    });
    let forwardCount = 0;
    const stopped = runWave(QUESTIONS, LARGE_ALONE, options(world, { signal: controller.signal }));
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    const count = forwardCount;
    await new Promise(setImmediate);
    expect(forwardCount).toBe(count);
    expect(world.openCount()).toBe(0);
    const done = await runWave(QUESTIONS, LARGE_ALONE, options(world));
    const plain = await runWave(QUESTIONS, LARGE_ALONE, options(scriptedEvaluation()));
    expect(done.map(answerText)).toEqual(plain.map(answerText));
  });

  it('rethrows a bug unchanged', async () => {
    const bug = new Error('a bug');
    const engine: WaveOptions['engine'] = {
      // biome-ignore lint/correctness/useYield: it fails before anything is said
      generate: async function* () {
        throw bug;
      },
    };
    await expect(runWave(QUESTIONS, POINT, { engine, maxTokens: 1 })).rejects.toBe(bug);
  });
});
