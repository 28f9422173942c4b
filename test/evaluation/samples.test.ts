/** Methods that choose among samples of the small model, and thresholds of steps, in an evaluation. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationResult } from '../../src/evaluation/results.ts';
import { evaluationResult } from '../../src/evaluation/run/evaluation-result.ts';
import { runEvaluation } from '../../src/evaluation/run/run-evaluation.ts';
import { findings } from '../../src/report/findings.ts';
import { allPictures } from '../../src/report/pictures/all-pictures.ts';
import { parseResult } from '../../src/report/result-format.ts';
import { resultTables } from '../../src/report/tables.ts';
import { parseStrategy } from '../../src/strategy/strategy-value.ts';
import {
  MAX_TOKENS,
  planOf,
  scriptedEvaluation,
  scriptedQuestions,
} from './scripted-evaluation.ts';

const ASKED: readonly (readonly [name: string, thresholds: readonly number[]])[] = [
  ['majority', []],
  ['best-of-n-likelihood', []],
  ['hgs-prm-likelihood', []],
  ['rsd-likelihood', [0.5, 0.001, 0.9999]],
  ['random-step', [1]],
];

let folder: string;
let result: EvaluationResult;
const notices: string[] = [];
const finals: (string | null)[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-samples-'));
  const { pair } = scriptedEvaluation({
    onRequest: ({ finalAnswer }) => finals.push(finalAnswer?.('So.\nThe answer is Paris.') ?? null),
  });
  const strategies = ASKED.map(([name, thresholds]) => {
    return { method: parseStrategy(name).method, thresholds };
  });
  const onNotice = (text: string): number => notices.push(text);
  const questions = await scriptedQuestions(8);
  const plan = planOf({ strategies, shares: [0.3] });
  const answers = await runEvaluation({ pair, questions, plan, folder, onNotice });
  const facts = { ...pair, maxTokens: MAX_TOKENS, profiles: [] };
  result = evaluationResult(answers, {
    ...{ task: 'letters', facts, isScreened: false, replicateCount: 50 },
  });
  await pair[Symbol.asyncDispose]();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pointsOf = (name: string) => result.results.filter(({ strategy }) => strategy === name);

describe('methods without a share of the large model', () => {
  it('run once, at their default, and cost the samples that they took', () => {
    for (const name of ['majority', 'best-of-n-likelihood', 'hgs-prm-likelihood']) {
      expect(pointsOf(name)).toMatchObject([{ threshold: null, largeShare: 0 }]);
    }
    const [small] = pointsOf('small');
    const [majority] = pointsOf('majority');
    const ratio = (majority?.generatedFlopsRatio ?? 0) / (small?.generatedFlopsRatio ?? 1);
    expect(ratio).toBeGreaterThan(4);
    expect(ratio).toBeLessThan(16);
  });

  it('have no curve, and are reported', () => {
    expect(Object.keys(result.summary).sort()).toEqual(['random-step', 'rsd-likelihood']);
    const read = parseResult(JSON.stringify(result), 'result.json');
    expect(allPictures(read).length).toBeGreaterThan(0);
    expect(findings(read).length).toBeGreaterThan(0);
    const [points] = resultTables(read);
    expect(points?.rows.map(([name]) => name)).toEqual(expect.arrayContaining(['majority']));
  });

  it('have answers read as the kind of the question says', () => {
    expect(new Set(finals)).toEqual(new Set(['paris']));
  });
});

it('notices thresholds of steps that decide nothing', () => {
  expect(notices).toEqual([
    expect.stringMatching(/^rsd-likelihood@0\.001: none of \d+ rewards lies below/),
    expect.stringMatching(/^rsd-likelihood@0\.9999: all \d+ rewards lie below/),
  ]);
});

it('notices nothing where a weighting may accept any step', async () => {
  const { pair } = scriptedEvaluation({ steps: { weighting: 'sigmoid' } });
  const { method } = parseStrategy('rsd-likelihood');
  const heard: string[] = [];
  await runEvaluation({
    ...{ pair, questions: await scriptedQuestions(8), folder: join(folder, 'sigmoid') },
    plan: planOf({ strategies: [{ method, thresholds: [0.9999] }] }),
    onNotice: (text) => heard.push(text),
  });
  await pair[Symbol.asyncDispose]();
  expect(heard).toEqual([]);
});
