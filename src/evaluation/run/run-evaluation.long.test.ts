/** A whole evaluation on scripted models: points, evidence, results, the live check, resuming. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  MAX_TOKENS,
  planOf,
  questionOf,
  type ScriptedEvaluation,
  type ScriptedEvaluationOptions,
  scriptedEvaluation,
  scriptedQuestions,
} from '../../../test/evaluation/scripted-evaluation.ts';
import { RUNS_ARE_FULL } from '../../../test/runs.ts';
import { tinyRouters } from '../../judging/fakes/tiny-router.ts';
import type { Gate } from '../../judging/gate.ts';
import type { ForwardRequest } from '../../model/roles.ts';
import { cascadeMethod } from '../../strategy/cascade.ts';
import { entropyMethod } from '../../strategy/entropy.ts';
import { marginGate } from '../../strategy/margin.ts';
import { isRandomControl } from '../../strategy/method.ts';
import { randomMethod } from '../../strategy/random.ts';
import { randomQueryMethod } from '../../strategy/random-query.ts';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import { tokenMethod } from '../../strategy/token-routing.ts';
import type { TokenEvidence } from '../evidence/teacher-forced.ts';
import type { Question } from '../question.ts';
import type { EvaluationResult } from '../results.ts';
import { checkLive } from './check-live.ts';
import type { EvaluationPlan } from './evaluation-plan.ts';
import { namedPoint, pointKey } from './evaluation-point.ts';
import { evaluationResult } from './evaluation-result.ts';
import { type EvaluatedAnswers, runEvaluation } from './run-evaluation.ts';

let base: string;
let folder: string;
let questions: readonly Question[];
/** An evaluation in a folder that no test changes. */
let plain: Ran;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-evaluation-'));
  questions = await scriptedQuestions(24);
  plain = await run({}, { into: join(base, 'plain') });
});
afterAll(() => rm(base, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(base, 'one-'));
});

interface Ran {
  readonly world: ScriptedEvaluation;
  readonly answers: EvaluatedAnswers;
  readonly result: EvaluationResult;
}

async function run(
  plan: Partial<EvaluationPlan> = {},
  options: ScriptedEvaluationOptions & {
    readonly signal?: AbortSignal;
    readonly onNotice?: (text: string) => void;
    readonly into?: string;
    readonly asked?: readonly Question[];
    /** False: every prompt is read on its own. */
    readonly shares?: boolean;
  } = {},
): Promise<Ran> {
  const { signal, onNotice, into = folder, asked = questions, shares = true, ...rest } = options;
  const world = scriptedEvaluation(rest);
  const pair = shares ? world.pair : { ...world.pair, share: async () => undefined };
  const whole = planOf(plan);
  const answers = await runEvaluation({
    ...{ pair, questions: asked, plan: whole, folder: into },
    ...(signal === undefined ? {} : { signal }),
    onNotice,
  });
  const { models, labels, contextLength } = world.pair;
  const result = evaluationResult(answers, {
    task: 'letters',
    facts: { models, labels, maxTokens: MAX_TOKENS, contextLength, profiles: [] },
    isScreened: whole.screening !== null,
    // Enough replicates to compare results with each other.
    replicateCount: 100,
  });
  return { world, answers, result };
}

describe('an evaluation', () => {
  it('reads the common beginning of all prompts once, with the same result', async () => {
    const first = { role: 'user', content: 'abcdefghij'.repeat(4) } as const;
    const asked = questions.slice(0, 8).map((one) => {
      return { ...one, messages: [first, ...one.messages] };
    });
    const measured = async (shares: boolean) => {
      let rowCount = 0;
      const counted = {
        contextLength: 96,
        onForward: async ({ tokens }: ForwardRequest) => {
          rowCount += tokens.length;
        },
      };
      const into = join(folder, String(shares));
      const ran = await run({}, { into, asked, shares, small: counted, large: counted });
      await ran.world.engine.close();
      expect(ran.world.openCount()).toBe(0);
      return { result: ran.result, rowCount };
    };
    const alone = await measured(false);
    const shared = await measured(true);
    expect(shared.result).toEqual(alone.result);
    // Without sharing, each model reads 40 letters anew for each of 8 questions.
    expect(shared.rowCount).toBeLessThan(alone.rowCount - 40 * 2 * 7);
  });

  it('has both models, and every strategy at the wanted shares', async () => {
    const { result, answers, world } = plain;
    expect(result.results.map(pointKey)).toEqual([
      'small seed 0',
      'large seed 0',
      ...answers.points.map((point) => pointKey(namedPoint(point))),
    ]);
    const of = (name: string) => result.results.filter(({ strategy }) => strategy === name);
    expect(of('random').map(({ threshold, seed }) => [threshold, seed])).toEqual([
      [0.2, 1],
      [0.2, 2],
      [0.5, 1],
      [0.5, 2],
    ]);
    expect(of('entropy')).toHaveLength(2);
    for (const point of answers.points.filter(({ method }) => method === cascadeMethod)) {
      const { threshold, seed } = point;
      const given = questions.filter((question) => {
        const record = answers.store.get({ method: cascadeMethod, threshold, seed }, question);
        return /^l+$/.test(record?.origins ?? '');
      });
      expect(given.length / questions.length).toBeCloseTo(point.predictedShare ?? 0, 9);
      expect(given.length).toBeGreaterThan(0);
    }
    const [small, large] = result.results;
    expect(small?.largeShare).toBe(0);
    expect(large).toMatchObject({ largeShare: 1, weightTrafficRatio: 1, gapRecovered: 1 });
    expect(large?.accuracy).toBeGreaterThan(small?.accuracy ?? 1);
    expect(large?.overLarge).toEqual({ value: 0, low: 0, high: 0 });
    const { value, low, high } = small?.overLarge ?? expect.fail('no small model');
    const { gap } = result;
    expect([value, low, high].map((one) => -(one ?? 0))).toEqual([
      expect.closeTo(gap.value ?? 0, 12),
      expect.closeTo(gap.high ?? 0, 12),
      expect.closeTo(gap.low ?? 0, 12),
    ]);
    for (const { accuracy, overLarge } of result.results) {
      expect(overLarge.value).toBeCloseTo(accuracy - (large?.accuracy ?? 0), 12);
    }
    expect(result).toMatchObject({ version: 3, questionCount: 24, isScreened: false });
    expect(Object.keys(result.summary)).toEqual(['entropy', 'random', 'cascade']);
    expect(world.openCount()).toBe(0);
    expect(await readdir(join(base, 'plain'))).toEqual([
      'answers.jsonl',
      'evaluation.json',
      'evidence.jsonl',
    ]);
  });

  it('finds points for a gate whose scores are mostly equal, and says which shares it lacks', async () => {
    const gate: Gate = {
      ...marginGate,
      name: 'thirds',
      score: (row, at, context) => (at % 3 === 0 ? marginGate.score(row, at, context) : 2),
    };
    const threshold = { name: 'margin', default: 0.5, meaning: 'some tokens' };
    const method = tokenMethod(gate, { summary: 'a third', threshold, style: null });
    const strategies = [{ method, thresholds: [] }];
    const { answers } = await run({ strategies, shares: null, pointCount: 6 });
    const shares = answers.points.map(({ predictedShare }) => predictedShare ?? 1);
    // Some of the wanted shares have the same nearest one.
    expect(shares.length).toBeGreaterThan(3);
    expect(new Set(shares).size).toBe(shares.length);
    expect(Math.min(...shares)).toBeGreaterThan(0);
    // Nothing lies between a third and all: the large model alone reaches over the interval.
    expect(shares.filter((share) => share > 0.4)).toEqual([1]);
    const notices: string[] = [];
    const onNotice = (text: string): number => notices.push(text);
    await run({ strategies, shares: [0.55] }, { into: join(folder, 'noticed'), onNotice });
    expect(notices).toEqual([expect.stringMatching(/^thirds cannot call for 55 %: .* share, 3\d/)]);
  });

  it('puts points over the interval if no shares are given', async () => {
    const { answers } = await run({ shares: null, pointCount: 5 });
    const shares = answers.points.flatMap(({ method, seed, threshold }) =>
      method === randomMethod && seed === 1 ? [threshold] : [],
    );
    expect(shares).toEqual([0.1, 0.165, 0.274, 0.453, 0.75]);
  });

  it('adds points until a curve can be compared', async () => {
    const strategies = [cascadeMethod, randomQueryMethod, entropyMethod].map((method) => {
      return { method, thresholds: [] };
    });
    const interval = { low: 0.1, high: 0.8 };
    const { result } = await run({ strategies, interval, shares: null, pointCount: 7 });
    const measured = (name: string) =>
      result.results.filter(({ strategy }) => strategy === name).map((one) => one.largeShare);
    for (const name of ['entropy', 'cascade']) {
      expect(Math.min(...measured(name)), name).toBeLessThanOrEqual(interval.low);
      expect(Math.max(...measured(name)), name).toBeGreaterThanOrEqual(interval.high);
    }
    expect(result.interval).toEqual(interval);
    const pairs = result.comparisons.map(({ strategy, other }) => `${strategy} ${other}`);
    expect(pairs).toEqual(['cascade entropy', 'cascade random-query', 'entropy random-query']);
    const [, own] = result.comparisons;
    expect(own).toMatchObject({ otherIs: 'control', axis: 'largeShare', lacks: [] });
    expect(own?.difference.low).toBeLessThanOrEqual(own?.difference.value ?? -1);
    expect(own?.difference.high).toBeGreaterThanOrEqual(own?.difference.value ?? 1);
  });

  it('says of curves with too few points what they lack', () => {
    const { comparisons } = plain.result;
    expect(comparisons).toHaveLength(3);
    for (const { difference, lacks } of comparisons) {
      expect(difference).toEqual({ value: null, low: null, high: null });
      expect(lacks).toHaveLength(2);
      for (const { pointCount } of lacks) expect(pointCount).toBeLessThan(3);
    }
  });

  it('predicts shares exactly where gates later see the same texts', async () => {
    // Under a gate that always defers, the answers are the large model's own.
    const { result } = await run({
      strategies: [{ method: entropyMethod, thresholds: [-1, 100] }],
    });
    const [, , always, never] = result.results;
    expect(always).toMatchObject({ predictedShare: 1, largeShare: 1 });
    expect(never).toMatchObject({ predictedShare: 0, largeShare: 0 });
    expect(always?.accuracy).toBe(result.results[1]?.accuracy);
    expect(never?.accuracy).toBe(result.results[0]?.accuracy);
  });

  it('shows at most a dozen questions on which strategies disagree', async () => {
    const { result } = plain;
    expect(result.examples).toHaveLength(12);
    for (const { answers, questionId } of result.examples) {
      expect(answers.map(({ strategy }) => strategy)).toEqual([
        'small',
        'large',
        'entropy',
        'random',
        'cascade',
      ]);
      expect(new Set(answers.map(({ isRight }) => isRight)).size, questionId).toBe(2);
      for (const { tokens } of answers) expect(tokens.length).toBeGreaterThan(0);
    }
  });

  it('has the same result a second time, without new requests', async () => {
    const again = await run({}, { into: join(base, 'plain') });
    expect(again.result).toEqual(plain.result);
    expect(again.world.requests).toEqual([]);
    expect(again.world.pair.rowCounts()).toEqual({ known: 0, computed: 0 });
    const fresh = await run();
    expect(fresh.result).toEqual(plain.result);
    expect(fresh.world.requests).toHaveLength(plain.world.requests.length);
  });

  it('has the same costs whether its rows were remembered or computed', async () => {
    const rows = join(folder, 'rows');
    const cold = await run({}, { into: join(folder, 'cold'), folder: rows });
    const warm = await run({}, { into: join(folder, 'warm'), folder: rows });
    expect(cold.world.pair.rowCounts().computed).toBeGreaterThan(0);
    expect(warm.world.pair.rowCounts().computed).toBe(0);
    expect(warm.result).toEqual(cold.result);
  });

  it('can be stopped anywhere and resumed: the same result, nothing asked twice', async () => {
    const total = plain.world.requests.length;
    for (const stopAt of RUNS_ARE_FULL ? [0, 1, 30, 61, total - 1] : [61]) {
      const into = join(folder, `${stopAt}`);
      const controller = new AbortController();
      let askedCount = 0;
      const stopped = run(
        {},
        {
          ...{ into, signal: controller.signal },
          onRequest: (_, index) => {
            askedCount = index + 1;
            if (index === stopAt) controller.abort();
          },
        },
      );
      await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
      const rest = await run({}, { into });
      expect(rest.result).toEqual(plain.result);
      const againCount = askedCount + rest.world.requests.length - total;
      expect(againCount).toBeLessThanOrEqual(planOf().waveSize);
      expect(rest.world.openCount()).toBe(0);
    }
  });

  it('can be extended by more points', async () => {
    await run();
    const more = await run({ shares: [0.2, 0.5, 0.8] });
    expect(
      new Set(more.world.requests.map(({ strategy }) => parseStrategy(strategy).method.name)),
    ).toEqual(new Set(['entropy', 'random', 'cascade']));
    const fresh = await run({ shares: [0.2, 0.5, 0.8] }, { into: join(folder, 'fresh') });
    expect(more.result).toEqual(fresh.result);
  });

  it('is refused in the folder of another evaluation', async () => {
    await run();
    await expect(run({ maxTokens: 11 })).rejects.toMatchObject({
      code: 'evaluation-invalid',
      message: expect.stringContaining('with maxTokens 12; this one has 11'),
    });
  });

  it('asks nothing if one question is too long', async () => {
    const world = scriptedEvaluation();
    const long = {
      ...questionOf(77),
      messages: [{ role: 'user' as const, content: 'ab'.repeat(99) }],
    };
    const refused = runEvaluation({
      ...{ pair: world.pair, questions: [...questions, long], plan: planOf(), folder },
    });
    await expect(refused).rejects.toMatchObject({
      code: 'prompt-too-long',
      fields: { question: 'letters/77' },
    });
    expect(world.requests).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('evidence', () => {
  const only = (name: string) => ({
    strategies: [{ method: parseStrategy(name).method, thresholds: [] }],
  });
  const linesIn = async (): Promise<readonly TokenEvidence[]> =>
    (await readFile(join(folder, 'evidence.jsonl'), 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));

  it('of other gates is added to the stored evidence, and each plan sees its own', async () => {
    const small = {
      hiddenState: (text: readonly number[]) => [text.length / 8, -(text.at(-1) ?? 0)],
    };
    const routed = { small, routers: tinyRouters(['citer', 'co-llm'], { hiddenSize: 2 }) };
    const before = await run(only('citer'), routed);
    const after = await run(only('co-llm'), routed);
    const scored = ({ answers }: Ran) => answers.evidence.map(({ scores }) => Object.keys(scores));
    expect(new Set(scored(before).flat())).not.toContain('co-llm');
    expect(new Set(scored(after).flat())).not.toContain('citer');
    const last = (await linesIn()).slice(-questions.length);
    for (const [index, { scores }] of last.entries()) {
      expect(scores['citer']).toEqual(before.answers.evidence[index]?.scores['citer']);
      expect(scores['co-llm']).toEqual(after.answers.evidence[index]?.scores['co-llm']);
    }
    // Nothing is read again for either plan.
    const lineCount = (await linesIn()).length;
    const again = await run(only('citer'), routed);
    expect(again.answers.evidence).toEqual(before.answers.evidence);
    expect(await linesIn()).toHaveLength(lineCount);
  });

  it('that lacks a gate of a later version is read again only if the plan has that gate', async () => {
    await run(only('entropy'));
    const path = join(folder, 'evidence.jsonl');
    const earlier = (await linesIn()).map(({ scores: { margin: _, ...scores }, ...line }) =>
      JSON.stringify({ ...line, scores }),
    );
    await writeFile(path, `${earlier.join('\n')}\n`);
    const gatesOf = ({ result }: Ran) => result.gates.map(({ gate }) => gate);
    expect(gatesOf(await run(only('entropy')))).not.toContain('margin');
    expect(await linesIn()).toHaveLength(questions.length);
    expect(gatesOf(await run(only('margin')))).toContain('margin');
    expect(await linesIn()).toHaveLength(2 * questions.length);
  });
});

describe('a screened evaluation', () => {
  const VALUES = [
    ...(['strategy', 'threshold', 'seed', 'n', 'accuracy', 'tokenCount', 'largeShare'] as const),
    ...(['verifiedShare', 'predictedShare', 'largeForwards', 'weightTrafficRatio'] as const),
    ...(['generatedFlopsRatio', 'processedFlopsRatio', 'gapRecovered', 'isOnFront'] as const),
  ];
  const valuesOf = ({ results }: EvaluationResult) =>
    results.map((point) =>
      Object.fromEntries(
        VALUES.map((name) => {
          const value = point[name];
          return [name, typeof value === 'number' ? Number(value.toFixed(9)) : value];
        }),
      ),
    );

  it('that chooses every question has the result of a plain one', async () => {
    const screened = await run({ screening: { share: 1, seed: 1 } });
    expect(screened.result.isScreened).toBe(true);
    expect(screened.answers.chosen).toEqual(questions);
    expect(valuesOf(screened.result)).toEqual(valuesOf(plain.result));
  });

  it('runs strategies on the chosen questions, and estimates all questions', async () => {
    const { result, answers, world } = await run({ screening: { share: 0, seed: 1 } });
    const { chosen, design } = answers;
    expect(chosen.length).toBeLessThan(questions.length);
    const ofStrategies = world.requests.filter(({ strategy }) =>
      isRandomControl(parseStrategy(strategy).method),
    );
    expect(ofStrategies).toHaveLength(4 * chosen.length);
    const [small, large, ...others] = result.results;
    expect([small?.answeredCount, large?.answeredCount]).toEqual([24, 24]);
    // Both models answered every question: their figures have no weights.
    expect([small?.accuracy, large?.accuracy]).toEqual(
      plain.result.results.slice(0, 2).map(({ accuracy }) => accuracy),
    );
    for (const point of others) {
      expect(point).toMatchObject({ n: 24, answeredCount: chosen.length });
    }
    const sum = design.weights.reduce((total, weight) => total + weight, 0);
    expect(sum).toBeCloseTo(1, 12);
  });
});

describe('a live check', () => {
  it('finds every answer the same where models are exact, then turns the memory on again', async () => {
    const { world, answers } = plain;
    const before = world.pair.rowCounts();
    const askedCount = world.requests.length;
    const progress: number[] = [];
    const check = await checkLive(answers, {
      ...{ pair: world.pair, maxTokens: MAX_TOKENS, count: 10 },
      onProgress: ({ done }) => progress.push(done),
    });
    expect(check).toMatchObject({ count: 10, sameCount: 10, sameGradeCount: 10 });
    expect(check.largeShare).toBe(check.liveLargeShare);
    expect(world.requests).toHaveLength(askedCount + 10);
    expect(world.pair.rowCounts()).toEqual(before);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(world.openCount()).toBe(0);
  });

  it('finds the answers that differ', async () => {
    const { answers } = plain;
    const never = scriptedEvaluation({ small: { next: () => [1, ...Array(11).fill(0)] } });
    const check = await checkLive(answers, {
      pair: never.pair,
      maxTokens: MAX_TOKENS,
      count: 1000,
    });
    expect(check.count).toBe(answers.points.length * 24);
    expect(check.sameCount).toBeLessThan(check.count);
    expect(check.sameGradeCount).toBeLessThan(check.count);
    expect(check.liveLargeShare).not.toBe(check.largeShare);
  });

  it('turns the memory on again after an abort', async () => {
    const { world, answers } = plain;
    const isOn: boolean[] = [];
    const pair = { ...world.pair, remember: async (on: boolean) => void isOn.push(on) };
    const options = { pair, maxTokens: MAX_TOKENS, count: 3, signal: AbortSignal.abort() };
    await expect(checkLive(answers, options)).rejects.toMatchObject({ code: 'aborted' });
    expect(isOn).toEqual([false, true]);
  });
});
