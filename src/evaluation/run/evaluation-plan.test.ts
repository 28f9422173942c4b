import { describe, expect, it } from 'vitest';
import { planOf, pointOf } from '../../../test/evaluation/scripted-evaluation.ts';
import { isRandomControl, type Method } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import { parseStrategy } from '../../strategy/strategy-value.ts';
import {
  givenPoints,
  judgesAnswers,
  type PlannedPoint,
  pointsForShare,
  type ScoreEvidence,
  scoringPoint,
  shareMethods,
} from './evaluation-plan.ts';
import { namedPoint, pointKey, requestSeed, strategyText } from './evaluation-point.ts';

const EVIDENCE: ScoreEvidence = {
  weights: [1, 1],
  tokens: [
    {
      question: 'q/1',
      asked: 'a',
      differs: '0100',
      scores: { entropy: [0.1, 2, 0.3, 0.4], margin: [0.9, 0.1, 0.8, 0.7] },
    },
    {
      question: 'q/2',
      asked: 'b',
      differs: '0',
      scores: { entropy: [0.5], margin: [0.6] },
    },
  ],
  answers: { cascade: [[0.2], [1]] },
};

const methodOf = (name: string): Method => parseStrategy(name).method;

/** Points with the names of their methods. */
const named = (points: readonly PlannedPoint[]) =>
  points.map(({ predictedShare, ...point }) => ({ ...namedPoint(point), predictedShare }));

function strategies(...all: readonly (readonly [name: string, ...thresholds: number[]])[]) {
  return planOf({
    strategies: all.map(([name, ...thresholds]) => ({ method: methodOf(name), thresholds })),
  });
}

describe('the points of a plan', () => {
  it('are at the given thresholds, each once, with their predicted shares', () => {
    const plan = strategies(['entropy', 0.45, 0.45], ['margin', 0.65], ['cascade', 0.5]);
    expect(named(givenPoints(plan, EVIDENCE))).toEqual([
      { strategy: 'entropy', threshold: 0.45, seed: 0, predictedShare: 0.4 },
      { strategy: 'margin', threshold: 0.65, seed: 0, predictedShare: 0.4 },
      { strategy: 'cascade', threshold: 0.5, seed: 0, predictedShare: 0.5 },
    ]);
    expect(shareMethods(plan)).toEqual([]);
  });

  it('predict the shares of all questions, where each question that runs represents several', () => {
    const plan = strategies(['entropy', 0.45], ['cascade', 0.5]);
    const shares = givenPoints(plan, { ...EVIDENCE, weights: [1, 4] }).map(
      ({ predictedShare }) => predictedShare,
    );
    // Tokens: (1 + 4) of (4 + 4). Questions: 4 of 5.
    expect(shares).toEqual([5 / 8, 4 / 5]);
  });

  it('are repeated for every seed of a random control', () => {
    const plan = strategies(['random', 0.25], ['random-query']);
    expect(named(givenPoints(plan, EVIDENCE))).toEqual(
      [1, 2].map((seed) => ({ strategy: 'random', threshold: 0.25, seed, predictedShare: 0.25 })),
    );
    expect(shareMethods(plan)).toEqual([methodOf('random-query')]);
    expect(named(pointsForShare(methodOf('random-query'), 0.1, plan, EVIDENCE))).toEqual(
      [1, 2].map((seed) => {
        return { strategy: 'random-query', threshold: 0.1, seed, predictedShare: 0.1 };
      }),
    );
  });

  it('have no threshold where the strategy has none, and exclude the models alone', () => {
    const plan = strategies(['small'], ['speculative'], ['large'], ['entropy']);
    expect(named(givenPoints(plan, EVIDENCE))).toEqual([
      { strategy: 'speculative', threshold: null, seed: 0, predictedShare: null },
    ]);
    expect(shareMethods(plan)).toEqual([methodOf('entropy')]);
  });

  it('have thresholds that are found from the scores for a share', () => {
    const found = (name: string, share: number) =>
      pointsForShare(methodOf(name), share, planOf(), EVIDENCE)[0];
    expect(found('entropy', 0.2)).toMatchObject({ threshold: 1.25, predictedShare: 0.2 });
    expect(found('margin', 0.4)).toMatchObject({ threshold: 0.65, predictedShare: 0.4 });
    expect(found('cascade', 0.5)).toMatchObject({ threshold: 0.6, predictedShare: 0.5 });
  });
});

describe('strategies', () => {
  const names = (holds: (method: Method) => boolean) =>
    METHODS.filter(holds).map(({ name }) => name);

  it('are random controls, judge answers, or do neither', () => {
    expect(names(isRandomControl)).toEqual(expect.arrayContaining(['random', 'random-query']));
    expect(names(judgesAnswers)).toContain('cascade');
    expect(names((method) => isRandomControl(method) && judgesAnswers(method))).toEqual([]);
    expect(scoringPoint(methodOf('cascade')).threshold).toBe(1e6);
  });
});

describe('a point', () => {
  const point = namedPoint(pointOf('random@0.1', 1));

  it('has a key that differs from that of every other point', () => {
    const others = [
      point,
      { ...point, seed: 2 },
      { ...point, threshold: 0.11 },
      { ...point, threshold: null },
      { ...point, strategy: 'entropy' },
    ];
    expect(new Set(others.map(pointKey)).size).toBe(5);
    expect(others.map(strategyText).slice(2, 4)).toEqual(['random@0.11', 'random']);
  });

  it('has a request seed for every question and seed, the same at every threshold', () => {
    const seeds = [point, { ...point, seed: 2 }].flatMap((one) => [
      requestSeed(one, 'q/1'),
      requestSeed(one, 'q/2'),
    ]);
    expect(new Set(seeds).size).toBe(4);
    expect(seeds.every(Number.isSafeInteger)).toBe(true);
    expect(requestSeed(pointOf('random@0.9', 1), 'q/1')).toBe(seeds[0]);
  });
});
