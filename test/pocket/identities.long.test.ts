/** Every strategy on learned weights: the ends of its range, its accounting, and many at once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { foldRunCost } from '../../src/accounting/run-cost.ts';
import type { EngineEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { SamplingParams } from '../../src/core/sampling-params.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { tinyRouters } from '../../src/judging/fakes/tiny-router.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import { strategyValue } from '../../src/strategy/strategy-value.ts';
import { teacherForce } from '../../src/testing/teacher-force.ts';
import { RUNS_ARE_FULL, runs } from '../runs.ts';
import {
  type Answered,
  answer,
  openPocket,
  type PocketPair,
  question,
  testProblems,
} from './pocket-pair.ts';

const problems = testProblems(runs(1, 6));
const TRUNCATED: Partial<SamplingParams> = { temperature: 1, topK: 20, topP: 0.9 };
/** A text that is drawn alike is chosen alike: the quick tests draw only. */
const SAMPLINGS: Readonly<Record<string, Partial<SamplingParams>>> = {
  sampled: { temperature: 0.8 },
  ...(RUNS_ARE_FULL ? { greedy: {}, 'sampled, truncated': TRUNCATED } : {}),
};
const SEED = 11;
/** Values of a hidden state of the small model. */
const HIDDEN_SIZE = 64;
/** A near-tie in logits: forwards of other shapes differed by less. */
const NEAR_TIE = 0.25;
/** Thresholds at which both models write some tokens. Other methods run at their defaults. */
const AT: Readonly<Record<string, number>> = {
  ...{ entropy: 0.4, margin: 0.5, random: 0.3, 'random-query': 0.5, citer: 0.5 },
  'uhlm-router': 0.5,
  ...{ 'rsd-likelihood': 0.97, 'rsd-large-likelihood': 0.3, 'random-step': 0.5 },
};
/** Methods that differ only in what they score share an example; judges are left to full runs. */
const DRAFTED: readonly string[] = ['uhlm', 'cu-hlm'];
const isExample = ({ head, name, needs, unit }: (typeof METHODS)[number]): boolean => {
  if (head !== null && head.name !== 'citer') return false;
  return (
    RUNS_ARE_FULL || (!needs.includes('judge') && (unit !== 'draft' || DRAFTED.includes(name)))
  );
};
const EXAMPLES: readonly string[] = METHODS.filter(isExample).map(
  (method) => strategyValue(method, AT[method.name] ?? null).text,
);

let pair: PocketPair;
beforeAll(async () => {
  pair = await openPocket({
    load: { cellCount: 8192 },
    judges: true,
    speculative: { proposer: 'small', draftLength: 4 },
    samples: { count: 3 },
    // Untrained routers: their scores do not matter here.
    routers: tinyRouters(['citer'], { hiddenSize: HIDDEN_SIZE }),
  });
  expect(pair.small.facts.hiddenSize).toBe(HIDDEN_SIZE);
});
afterAll(async () => {
  await pair.engine.checkIdle();
  await pair[Symbol.asyncDispose]();
});

/** The greatest distance of `ids` from the model's own choice, in logits. */
async function worstGap(
  model: 'small' | 'large',
  request: GenerateRequest,
  ids: readonly TokenId[],
): Promise<number> {
  // Forgets all prefixes, because they may hold all sequences.
  await pair.engine.forget();
  const { vocabulary } = pair[model];
  const prompt = vocabulary.tokenize(vocabulary.renderChat(request.messages ?? []));
  const { sampling = {}, seed = 0 } = request;
  return (await teacherForce(pair[model], prompt, ids, { sampling, seed })).worstGap;
}

describe.each(Object.entries(SAMPLINGS))('%s', (_name, sampling) => {
  // Prefixes of an earlier run would change the shapes of forwards.
  const requests = problems.map((problem) => {
    return { ...question(problem), sampling, seed: SEED, reusePrefix: false };
  });
  const known = new Map<string, Promise<readonly Answered[]>>();
  const answersOf = async (strategy: string): Promise<readonly Answered[]> => {
    const answers: Answered[] = [];
    for (const request of requests) {
      answers.push(await answer(pair.engine, { ...request, strategy }));
    }
    return answers;
  };
  const answersOfOne = (model: 'small' | 'large'): Promise<readonly Answered[]> => {
    const answers = known.get(model) ?? answersOf(model);
    known.set(model, answers);
    return answers;
  };

  it.each([
    ['entropy@99', 'small'],
    ['entropy@-1', 'large'],
    ['margin@-1', 'small'],
    ['margin@2', 'large'],
    ['random@0', 'small'],
    ['random@1', 'large'],
    ['citer@0', 'small'],
    ['citer@2', 'large'],
    ['rsd-likelihood@0', 'small'],
    ['rsd-likelihood@1.01', 'large'],
    ['rsd-large-likelihood@0', 'small'],
    ['random-step@0', 'small'],
    ['random-step@1', 'large'],
    ['hgs-prm-likelihood@0', 'small'],
    ['specreason@-1', 'small'],
    ['rsd-prm@2', 'large'],
    ['speculative', 'large'],
  ] as const)('%s writes the text of %s', async (strategy, alone) => {
    const own = await answersOfOne(alone);
    for (const [index, run] of (await answersOf(strategy)).entries()) {
      if (run.summary.text === own[index]?.summary.text) continue;
      // Drafts are verified several rows at once.
      expect(strategy).toBe('speculative');
      const request = required(requests[index], 'every request has an answer');
      expect(await worstGap(alone, request, run.ids)).toBeLessThan(NEAR_TIE);
    }
  });
});

/** Truncation is left out: a token that it cuts off has no distance from the chosen token. */
const BATCHED = Object.entries(SAMPLINGS).filter(([name]) =>
  RUNS_ARE_FULL ? name !== 'sampled, truncated' : name === 'sampled',
);

describe.each(BATCHED)('%s', (_name, sampling) => {
  it('many requests at once write the same texts as one by one', async () => {
    const requests = problems
      .slice(0, runs(1, 6))
      .flatMap((problem) =>
        EXAMPLES.map((strategy) => ({ ...question(problem), strategy, sampling, seed: SEED })),
      );
    const together = await Promise.all(requests.map((request) => answer(pair.engine, request)));
    let otherCount = 0;
    for (const [index, request] of requests.entries()) {
      const alone = await answer(pair.engine, request);
      const batched = required(together[index], 'every request has an answer');
      if (batched.summary.text === alone.summary.text) continue;
      otherCount += 1;
      const own = request.strategy === 'small' ? 'small' : 'large';
      if (['small', 'large', 'speculative'].includes(request.strategy)) {
        expect(await worstGap(own, request, batched.ids)).toBeLessThan(NEAR_TIE);
      }
    }
    expect(otherCount).toBeLessThanOrEqual(Math.max(2, requests.length / 20));
  });
});

describe('the accounting', () => {
  it.each(EXAMPLES)(
    '%s: texts add up and the summary is a fold over the lines',
    async (strategy) => {
      for (const problem of problems) {
        const { events, summary, tokens } = await answer(pair.engine, {
          ...question(problem),
          strategy,
        });
        const lines = events.map((event): EngineEvent => JSON.parse(JSON.stringify(event)));
        const start = required(
          lines.find((line) => line.type === 'start'),
          'a log starts',
        );
        expect(summary).toMatchObject({ ...foldRunCost(start, lines) });
        expect(tokens.map(({ text }) => text).join('')).toBe(summary.text);
        expect(summary.finishReason).toBe('end-of-generation');
      }
    },
  );

  it.each(['rsd-likelihood@0.97', 'rsd-large-likelihood@0.3', 'random-step@0.5'])(
    '%s: steps are the parts of the text, and only written tokens cost written FLOPs',
    async (strategy) => {
      for (const problem of problems) {
        const asked = { ...question(problem), strategy, reusePrefix: false };
        const { summary, tokens, events } = await answer(pair.engine, asked);
        const { stepCount, rejectedShare, models } = summary;
        const parts = summary.text.split('\n\n');
        expect(stepCount).toBe(parts.length);
        const largeRounds = new Set(
          tokens.filter(({ origin }) => origin === 'large').map(({ round }) => round),
        );
        expect(rejectedShare).toBe(largeRounds.size / parts.length);
        expect(events[0]).toMatchObject({ type: 'start', unit: 'step' });
        const [small, large] = ['pocket-small', 'pocket-large'].map((id) => models[id]);
        const largeTokens = tokens.filter(({ origin }) => origin === 'large');
        expect(large?.writtenTokenCount).toBe(largeTokens.length);
        // A coin drafts nothing in vain.
        if (strategy.startsWith('random')) {
          expect(small?.writtenTokenCount).toBe(tokens.length - largeTokens.length);
        }
        const read = (large?.outputRowCount ?? 0) - largeTokens.length;
        // The large model reads every drafted token, and no other strategy's.
        const isRead = strategy.startsWith('rsd-large');
        expect(read).toBe(isRead ? small?.writtenTokenCount : 0);
        expect(summary.generatedFlopsRatio ?? 0).toBeGreaterThan(isRead ? 1 : 0);
        expect(summary.writtenFlopsRatio ?? 1).toBeLessThan(1);
        expect(summary.generatedFlops === summary.writtenFlops).toBe(!isRead);
      }
    },
  );

  it('a router calls the large model for some tokens and not for others', async () => {
    const { tokens } = await answer(pair.engine, {
      ...question(required(problems[0], 'there are problems')),
      strategy: 'citer@0.5',
    });
    const origins = new Set(tokens.map(({ origin }) => origin));
    expect([...origins].sort()).toEqual(['large', 'small']);
    for (const { score, origin } of tokens) {
      const seen = required(score, 'a router scores every token');
      expect(origin).toBe(seen < 0.5 ? 'large' : 'small');
    }
  });

  it('speculation on learned weights accepts most drafts', async () => {
    let verified = 0;
    let all = 0;
    for (const problem of problems) {
      const run = await answer(pair.engine, { ...question(problem), strategy: 'speculative' });
      verified += run.tokens.filter((token) => token.verified).length;
      all += run.tokens.length;
    }
    expect(verified / all).toBeGreaterThan(0.6);
  });
});
