/**
 * A folder of an evaluation of version 1 is read unchanged and extended, without losing anything.
 */
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadQuestions } from '../../src/app/questions/load-questions.ts';
import { required } from '../../src/core/invariant.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { Estimate, EvaluationResult } from '../../src/evaluation/results.ts';
import { AnswerStore } from '../../src/evaluation/run/answer-store.ts';
import type { EvaluationPair } from '../../src/evaluation/run/evaluation-pair.ts';
import { LARGE_ALONE } from '../../src/evaluation/run/evaluation-plan.ts';
import { evaluationResult } from '../../src/evaluation/run/evaluation-result.ts';
import { type Manifest, parseManifest } from '../../src/evaluation/run/manifest.ts';
import { openManifest } from '../../src/evaluation/run/open-manifest.ts';
import { runEvaluation } from '../../src/evaluation/run/run-evaluation.ts';
import { parseResult } from '../../src/report/result-format.ts';
import { entropyMethod } from '../../src/strategy/entropy.ts';
import { planOf, scriptedEvaluation } from './scripted-evaluation.ts';

const FIXTURE = new URL('../fixtures/version-1/evaluation/', import.meta.url);
/** The plan of the folder. */
const PLAN = planOf({
  strategies: [{ method: entropyMethod, thresholds: [0.5] }],
  ...{ shares: null, pointCount: 6, seeds: [1, 2, 3], maxTokens: 96, waveSize: 16 },
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-version-1-'));
  await cp(FIXTURE, folder, { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const textOf = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

async function manifest(): Promise<Manifest> {
  const found = parseManifest(JSON.parse(await textOf('evaluation.json')), folder);
  return required(found, 'the folder has a manifest');
}

/** The pair of the folder, with models that cannot answer. */
async function silentPair(): Promise<EvaluationPair> {
  const { pair } = scriptedEvaluation();
  const engine = {
    promptTokens: () => [],
    generate: ({ strategy }: GenerateRequest) => {
      throw new Error(`${strategy} was answered already`);
    },
  };
  return {
    ...pair,
    ...(await manifest()),
    engine,
    routers: new Map(),
    share: async () => undefined,
  };
}

async function evaluateAgain(): Promise<EvaluationResult> {
  const { task, questions } = await loadQuestions({ task: 'pocket', count: 2 });
  const pair = await silentPair();
  const answers = await runEvaluation({ pair, questions, plan: PLAN, folder });
  const facts = { ...pair, maxTokens: PLAN.maxTokens, profiles: [] };
  return evaluationResult(answers, { task, facts, isScreened: false });
}

/** The old result, with a field that it lacked: which strategies are random controls. */
async function earlierResult(): Promise<EvaluationResult> {
  return parseResult(await textOf('result.json'), 'result.json');
}

/**
 * A result with what results of version 1 hold: no comparisons, no intervals of CPT, and no written
 * FLOPs, nor did they say the temperature.
 */
function asEarlier(result: EvaluationResult): EvaluationResult {
  const none = { interval: null, comparisons: [], comparisonsByTraffic: [] };
  const bare = (all: EvaluationResult['summary']) =>
    Object.fromEntries(
      Object.entries(all).map(([name, { axis, apgr, ...cpts }]) => [
        name,
        {
          ...{ axis, apgr },
          ...{ cpt50: alone(cpts.cpt50), cpt80: alone(cpts.cpt80), cpt95: alone(cpts.cpt95) },
        },
      ]),
    );
  return {
    ...{ ...result, ...none, temperature: null, summary: bare(result.summary) },
    results: result.results.map((point) => ({
      ...{ ...point, writtenFlopsRatio: null },
      overLarge: { value: null, low: null, high: null },
    })),
    summaryByFlops: bare(result.summaryByFlops),
    summaryByTraffic: bare(result.summaryByTraffic),
  };
}

function alone({ value }: Estimate): Estimate {
  return { value, low: null, high: null };
}

describe('a folder of version 1', () => {
  it('gives the same points as then, with no question asked again', async () => {
    const answers = await textOf('answers.jsonl');
    expect(asEarlier(await evaluateAgain())).toEqual(await earlierResult());
    expect(await textOf('answers.jsonl')).toBe(answers);
    const { results, gates, examples } = JSON.parse(await textOf('result.json'));
    expect(await earlierResult()).toMatchObject({ results, gates, examples });
  });

  it('has written FLOPs counted from its old answers', async () => {
    const { results } = await evaluateAgain();
    expect(results.map(({ strategy, writtenFlopsRatio }) => [strategy, writtenFlopsRatio])).toEqual(
      // A token gate writes every row that it asks for.
      results.map(({ strategy, generatedFlopsRatio }) => [strategy, generatedFlopsRatio]),
    );
    expect(results[1]).toMatchObject({ strategy: 'large', writtenFlopsRatio: 1 });
  });

  it('gets a manifest of version 2 with the same content', async () => {
    const before = JSON.parse(await textOf('evaluation.json'));
    const { small, large } = before.models;
    await evaluateAgain();
    expect(JSON.parse(await textOf('evaluation.json'))).toEqual({
      ...before,
      version: 2,
      models: {
        'pocket-small': { ...small, code: 's' },
        'pocket-large': { ...large, code: 'l' },
      },
      labels: { small: 'pocket-small', large: 'pocket-large' },
      options: { entropy: '{}' },
      ...{ temperature: 0, drawSeed: 0 },
    });
    expect(asEarlier(await evaluateAgain())).toEqual(await earlierResult());
  });

  it('takes new answers in lines of the same form', async () => {
    const { questions } = await loadQuestions({ task: 'pocket', count: 2 });
    const { codes } = await openManifest(folder, await silentPair(), PLAN);
    const path = join(folder, 'answers.jsonl');
    const store = await AnswerStore.open(path, codes);
    const again = questions.flatMap((question) => store.get(LARGE_ALONE, question) ?? []);
    const lines = (await textOf('answers.jsonl')).trimEnd().split('\n');
    await store.add(again);
    const added = (await textOf('answers.jsonl')).trimEnd().split('\n').slice(lines.length);
    expect(added).toHaveLength(2);
    for (const line of added) expect(lines).toContain(line);
  });
});
