/** An evaluation of the rewards of this program on scripted models: one of them reads the drafts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationResult } from '../../src/evaluation/results.ts';
import type { EvaluatedModel } from '../../src/evaluation/run/evaluation-pair.ts';
import { evaluationResult } from '../../src/evaluation/run/evaluation-result.ts';
import { runEvaluation } from '../../src/evaluation/run/run-evaluation.ts';
import { entropyMethod } from '../../src/strategy/entropy.ts';
import { randomMethod } from '../../src/strategy/random.ts';
import { randomStepMethod } from '../../src/strategy/random-step.ts';
import { RSD_METHODS } from '../../src/strategy/rsd.ts';
import {
  MAX_TOKENS,
  planOf,
  scriptedEvaluation,
  scriptedQuestions,
} from './scripted-evaluation.ts';

const READING = 'rsd-large-likelihood';
const REWARDS: readonly string[] = ['rsd-likelihood', READING];

let folder: string;
let result: EvaluationResult;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-rewards-'));
  const { pair } = scriptedEvaluation({ steps: { stepTokenCountMax: 3 } });
  const { small, large } = pair.models as Record<'small' | 'large', EvaluatedModel>;
  const parameterCounts = { body: 20 * large.parameterCounts.body, outputHead: 0 };
  const models = { small, large: { ...large, parameterCounts } };
  const rewards = RSD_METHODS.filter(({ name }) => REWARDS.includes(name));
  const methods = [...rewards, randomStepMethod, entropyMethod, randomMethod];
  const strategies = methods.map((method) => ({ method, thresholds: [] }));
  const plan = planOf({ strategies, shares: [0.3, 0.6], seeds: [1] });
  const questions = await scriptedQuestions(20);
  const answers = await runEvaluation({ pair: { ...pair, models }, questions, plan, folder });
  const facts = { ...pair, models, maxTokens: MAX_TOKENS, profiles: [] };
  result = evaluationResult(answers, {
    ...{ task: 'letters', facts, isScreened: false, replicateCount: 50 },
    strategyOptions: pair.strategyOptions,
  });
  await pair[Symbol.asyncDispose]();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('names the options of each method of steps in its result', () => {
  const given = { 'steps.stepTokenCountMax': 3 };
  const names = [...REWARDS, 'random-step'];
  expect(result.options).toEqual(Object.fromEntries(names.map((name) => [name, given])));
});

describe('a reward for which the large model reads the drafts', () => {
  it('saves written FLOPs and no generated ones; for other methods both are equal', () => {
    const all = result.results.filter(({ unit }) => unit !== null);
    expect(all).toHaveLength(10);
    for (const { strategy, writtenFlopsRatio, generatedFlopsRatio } of all) {
      if (strategy === READING) {
        expect(generatedFlopsRatio).toBeGreaterThan(1);
        expect(writtenFlopsRatio).toBeLessThan(0.8);
      } else {
        expect([strategy, writtenFlopsRatio]).toEqual([strategy, generatedFlopsRatio]);
      }
    }
  });

  it('is compared with every other method at equal written FLOPs, and no other pair is', () => {
    const pairs = result.comparisonsByWrittenFlops.map(({ strategy, other, otherIs, axis }) => {
      return [strategy, other, otherIs, axis];
    });
    expect(pairs).toEqual([
      ['rsd-likelihood', READING, 'method', 'writtenFlopsRatio'],
      [READING, 'entropy', 'method', 'writtenFlopsRatio'],
      [READING, 'random-step', 'control', 'writtenFlopsRatio'],
      [READING, 'random', 'control', 'writtenFlopsRatio'],
    ]);
  });

  it('has a summary against written FLOPs, and no values against generated ones', () => {
    expect(Object.keys(result.summaryByWrittenFlops)).toEqual([READING]);
    const written = result.summaryByWrittenFlops[READING];
    expect(written).toMatchObject({ axis: 'writtenFlopsRatio' });
    expect(written?.apgr.value).not.toBeNull();
    expect(result.summaryByFlops[READING]?.apgr.value).toBeNull();
    expect(result.summaryByFlops[READING]?.cpt80.value).toBeNull();
    expect(result.summaryByFlops['rsd-likelihood']?.apgr.value).not.toBeNull();
  });

  it('has its acceptance by position and difficulty at every point, as the other reward', () => {
    const points = result.stepAcceptance.map(({ strategy }) => strategy);
    expect(points).toEqual(['rsd-likelihood', 'rsd-likelihood', READING, READING]);
    for (const { byPosition, byDifficulty } of result.stepAcceptance) {
      // Answers of at most twelve tokens have at most four steps.
      const names = byPosition.map(({ name }) => name);
      expect(names.slice(-1)).toEqual(['last']);
      expect(names.length).toBeLessThanOrEqual(4);
      expect(byDifficulty.map(({ name }) => name)).toEqual([
        'small alone right',
        'small alone wrong',
      ]);
      const total = (groups: typeof byPosition): number =>
        groups.reduce((sum, { judgedCount }) => sum + judgedCount, 0);
      expect(total(byPosition)).toBe(total(byDifficulty));
    }
  });
});
