/**
 * The whole program reads the facts of methods. So a method that is in no list, with a unit that no
 * listed method has, works in the engine, an evaluation, its report, help and advice.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adviceReport } from '../../src/app/advice/advice-report.ts';
import { strategyHelp } from '../../src/cli/options/strategy-help.ts';
import type { EvaluationResult } from '../../src/evaluation/results.ts';
import type { EvaluatedModel } from '../../src/evaluation/run/evaluation-pair.ts';
import { evaluationResult } from '../../src/evaluation/run/evaluation-result.ts';
import { type EvaluatedAnswers, runEvaluation } from '../../src/evaluation/run/run-evaluation.ts';
import { PROFILE, TIMED } from '../../src/machines/fakes/timed-profile.ts';
import { controlsOf, strategiesOf } from '../../src/report/curves.ts';
import { findings } from '../../src/report/findings.ts';
import { allPictures } from '../../src/report/pictures/all-pictures.ts';
import { parseResult } from '../../src/report/result-format.ts';
import { CONTROL, strategyStyles } from '../../src/report/strategy-styles.ts';
import { resultTables } from '../../src/report/tables.ts';
import { cascadeMethod } from '../../src/strategy/cascade.ts';
import { entropyMethod } from '../../src/strategy/entropy.ts';
import type { Method } from '../../src/strategy/method.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import { parseStrategy } from '../../src/strategy/strategy-value.ts';
import {
  MAX_TOKENS,
  planOf,
  scriptedEvaluation,
  scriptedQuestions,
} from './scripted-evaluation.ts';
import { stepControl, stepMethod } from './step-methods.ts';

const ALL: readonly Method[] = [...METHODS, stepMethod, stepControl];

let folder: string;
let answers: EvaluatedAnswers;
let result: EvaluationResult;
let asked: ReadonlySet<string>;
let notices: readonly string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-steps-'));
  const { pair, requests } = scriptedEvaluation();
  const strategies = [entropyMethod, stepMethod, stepControl].map((method) => {
    return { method, thresholds: [] };
  });
  const heard: string[] = [];
  const plan = planOf({ strategies, shares: [0.3, 0.6] });
  const questions = await scriptedQuestions(20);
  const run = { pair, questions, folder, onNotice: (text: string) => heard.push(text) };
  answers = await runEvaluation({ ...run, plan });
  const given = [{ method: stepMethod, thresholds: [0.5, 1.5] }];
  await runEvaluation({ ...run, plan: planOf({ strategies: given }) });
  notices = heard;
  const facts = { ...pair, maxTokens: MAX_TOKENS, profiles: [] };
  result = evaluationResult(answers, {
    ...{ task: 'letters', facts, isScreened: false, replicateCount: 50 },
  });
  asked = new Set(requests.map(({ strategy }) => strategy));
  await pair[Symbol.asyncDispose]();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const resultsOf = (name: string) => result.results.filter(({ strategy }) => strategy === name);

describe('a method of steps', () => {
  it('is parsed and listed in help under its unit', () => {
    const value = parseStrategy('steps@0.25', ALL);
    expect(value).toMatchObject({ method: stepMethod, threshold: 0.25 });
    const help = strategyHelp([stepMethod, stepControl, cascadeMethod], 100);
    expect(help).toMatch(
      /\nStep by step:\n {2}steps .*\n.*delta.*\n {2}dice .*\n.*\nAnswer by answer:\n/,
    );
  });

  it("has its thresholds found from its own scores of the small model's steps", () => {
    expect(asked).toContain('steps@-1000000');
    const points = answers.points.filter(({ method }) => method === stepMethod);
    expect(points.map(({ predictedShare }) => predictedShare)).toEqual([
      expect.closeTo(0.3, 1),
      expect.closeTo(0.6, 1),
    ]);
    for (const { threshold } of points) {
      expect(threshold).toBeGreaterThan(0);
      expect(threshold).toBeLessThan(1);
    }
    for (const { predictedShare, largeShare } of resultsOf('steps')) {
      expect(largeShare).toBeGreaterThan(0);
      // Steps after a step of the large model get new scores.
      expect(Math.abs(largeShare - (predictedShare ?? 0))).toBeLessThan(0.25);
    }
  });

  it('has its unit in results, and its control the unit that it controls', () => {
    for (const point of resultsOf('steps')) {
      expect(point).toMatchObject({ unit: 'step', controlOf: null, seed: 0 });
    }
    expect(resultsOf('dice').map(({ threshold, seed }) => [threshold, seed])).toEqual([
      ...[
        [0.3, 1],
        [0.3, 2],
      ],
      ...[
        [0.6, 1],
        [0.6, 2],
      ],
    ]);
    expect([...controlsOf(result)]).toEqual(['dice']);
    expect(result.summary).toHaveProperty('steps');
  });

  it('is compared by generated FLOPs, also with its control: a reward pays for discarded drafts', () => {
    const axes = result.comparisons.map(({ strategy, other, axis }) => [strategy, other, axis]);
    expect(axes).toEqual([
      ['entropy', 'steps', 'generatedFlopsRatio'],
      ['entropy', 'dice', 'generatedFlopsRatio'],
      ['steps', 'dice', 'generatedFlopsRatio'],
    ]);
    expect(result.comparisonsByWrittenFlops).toEqual([]);
  });

  it('gets points until its curve and that of its control can be compared by cost', async () => {
    const { pair } = scriptedEvaluation();
    const { small, large } = pair.models as Record<'small' | 'large', EvaluatedModel>;
    const bigger = { body: 3 * large.parameterCounts.body, outputHead: 0 };
    const models = { small, large: { ...large, parameterCounts: bigger } };
    const strategies = [stepMethod, stepControl].map((method) => ({ method, thresholds: [] }));
    const interval = { low: 0.2, high: 0.6 };
    const plan = planOf({ strategies, interval, shares: null, pointCount: 6, seeds: [1] });
    const into = join(folder, 'by cost');
    const asked = { pair: { ...pair, models }, questions: await scriptedQuestions(20), plan };
    const curves = evaluationResult(await runEvaluation({ ...asked, folder: into }), {
      ...{ task: 'letters', isScreened: false, replicateCount: 50 },
      facts: { ...pair, models, maxTokens: MAX_TOKENS, profiles: [] },
    });
    expect(curves.comparisons).toMatchObject([
      { strategy: 'steps', other: 'dice', axis: 'generatedFlopsRatio', lacks: [] },
    ]);
    expect(curves.comparisons[0]?.difference.value).not.toBeNull();
    await pair[Symbol.asyncDispose]();
  });

  it('is noticed where all scores lie on one side of the threshold, with what divides them', () => {
    const oneSided = notices.filter((text) => text.startsWith('steps@'));
    expect(oneSided).toEqual([
      'steps@1.5: all 68 rewards lie below δ = 1.5: every step was rejected; give a δ between 0.051 ' +
        'and 0.91.',
    ]);
  });

  it('counts its steps, and how often each was accepted', () => {
    const points = resultsOf('steps');
    for (const [index, point] of points.entries()) {
      const found = result.stepAcceptance[index];
      const groups = found?.byPosition ?? [];
      const judged = groups.reduce((sum, { judgedCount }) => sum + judgedCount, 0);
      const accepted = groups.reduce((sum, one) => sum + one.judgedCount * one.acceptedShare, 0);
      expect(found).toMatchObject({ strategy: 'steps', threshold: point.threshold });
      expect(point.stepCount).toBeCloseTo(judged / 20, 12);
      expect(point.rejectedShare).toBeCloseTo(1 - accepted / judged, 12);
    }
    expect(resultsOf('entropy').map(({ stepCount }) => stepCount)).toEqual([null, null]);
    expect(resultsOf('dice')[0]?.stepCount).toBeGreaterThan(1);
    expect(result.stepAcceptance).toHaveLength(2);
  });

  it('is reported like every other one', () => {
    const read = parseResult(JSON.stringify(result), 'result.json');
    expect(read).toEqual(result);
    const pictures = allPictures(read);
    expect(pictures.map(({ name }) => name)).toContain('accuracy-large-share-step');
    const [points] = resultTables(read);
    expect(points?.rows.find(([name]) => name === 'dice@0.3')?.[1]).toBe('step');
    const difference = { value: 0.1, low: 0.05, high: 0.15 };
    const comparisons = read.comparisons.map((one) => ({ ...one, difference }));
    expect(findings({ ...read, comparisons }).join('\n')).toContain(
      "steps beats the control dice over 20 to 50 % of the way between the models' generated FLOPs: " +
        '+10.0 points on average',
    );
    const styles = strategyStyles(strategiesOf(read.results), controlsOf(read), ALL);
    expect(styles.get('steps')).toBe(stepMethod.style);
    expect(styles.get('dice')?.hue).toBe(CONTROL);
  });

  it('is advised on', () => {
    const large = { ...TIMED, model: 'huge', weightBytes: 5000 };
    const profile = { ...PROFILE, models: [TIMED, large] };
    const model = (name: string, weightBytes: number) => ({
      ...{ name, weightBytes, kvBytesPerToken: 10 },
      parameterCounts: { body: weightBytes - 100, outputHead: 100 },
    });
    const models = { small: model('timed', 1000), large: model('huge', 5000) };
    const inputs = { models, profile, remoteProfile: profile, roundTripMs: null, statistics: null };
    const { places } = adviceReport(inputs, { share: 0.2 }, ALL);
    expect(places[0].strategies.map(({ name }) => name)).toContain('steps');
  });
});
