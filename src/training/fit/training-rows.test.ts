import { describe, expect, it } from 'vitest';
import { fromHalf } from '../../core/half.ts';
import { type TokenId, tokenId } from '../../core/token-id.ts';
import { atOnce } from '../../network/steps.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { questionOf } from '../fakes/number-world.ts';
import { labelCounts } from '../rounds/label-counts.ts';
import type { Example } from '../traces/example-store.ts';
import {
  balancedWeights,
  type LabelledExample,
  type TrainingRows,
  trainingRows,
} from './training-rows.ts';

const LABELLED: readonly LabelledExample[] = labelledExamples({
  ...{ questionCount: 5, tokenCount: 7 },
  isLow: ([first = 0]) => first < -0.5,
}).map(({ example, targets }, index) => ({
  // Two trajectories of one question, a token without a target, and one that stands for others.
  example:
    index === 4
      ? { ...example, trajectory: { ...example.trajectory, question: questionOf(1) } }
      : example,
  targets: targets.map((target, position) => {
    if (position === 3) return { value: null, labelCase: 'unjudged' as const };
    return position === 6 ? { ...target, weight: 2.5 } : target;
  }),
}));

/** The log-probability of the written token, which is either model's choice. */
function textLogprobUnderLarge(
  { trajectory, trace }: Example,
  position: number,
): number | undefined {
  const token = trajectory.tokens[position];
  if (token === trace.small[position]) return trace.smallLogprobUnderLarge[position];
  return token === trace.large[position] ? trace.bestLogprobUnderLarge[position] : Number.NaN;
}

function rowAt(rows: TrainingRows, row: number) {
  return {
    target: rows.targets[row],
    weight: rows.weights[row],
    logSmall: rows.logSmall[row],
    logLarge: rows.logLarge[row],
    differs: rows.differs[row],
    group: rows.dataset.groups[row],
  };
}

describe('rows to train on', () => {
  it.each([
    { hidden: true, topLogprobs: 2, tokenEmbedding: false },
    { hidden: true, topLogprobs: 0, tokenEmbedding: false },
    { hidden: true, topLogprobs: 1, tokenEmbedding: false },
    { hidden: false, topLogprobs: 1, tokenEmbedding: false },
  ])('are the tokens with a target, and have their own features: %o', (wanted) => {
    const rows = atOnce(trainingRows(LABELLED, wanted, FEATURES, HIDDEN_SIZE));
    const from = wanted.hidden ? 0 : HIDDEN_SIZE;
    const size = (wanted.hidden ? HIDDEN_SIZE : 0) + wanted.topLogprobs;
    const readSize = HIDDEN_SIZE + FEATURES.topLogprobs;
    expect(rows.dataset).toMatchObject({ rowCount: 5 * 6, inputSize: size });
    let row = 0;
    for (const { example, targets } of LABELLED) {
      const { trace } = example;
      for (const [position, { value }] of targets.entries()) {
        if (value === null) continue;
        const start = position * readSize + from;
        const own = rows.dataset.features.subarray(row * size, (row + 1) * size);
        expect(own).toEqual(trace.features.subarray(start, start + size));
        expect(rowAt(rows, row)).toEqual({
          target: value,
          weight: targets[position]?.weight ?? 1,
          logSmall: trace.textLogprobUnderSmall[position],
          logLarge: textLogprobUnderLarge(example, position),
          differs: Number(position % 2 === 0),
          group: rows.groupOf(example),
        });
        row += 1;
      }
    }
    expect(row).toBe(rows.dataset.rowCount);
    expect(fromHalf(rows.dataset.features).every(Number.isFinite)).toBe(true);
  });

  it('have the likelihood of the best token where neither model chose the written token', () => {
    const [{ example, targets } = { example: null, targets: [] }] = LABELLED;
    if (example === null) throw new Error('there are examples');
    const strange = {
      ...example,
      trajectory: { ...example.trajectory, tokens: targets.map(() => tokenId(3)) },
    };
    const whole = targets.map(() => ({ value: 1, labelCase: 'agree' as const }));
    const labelled = [{ example: strange, targets: whole }];
    const { logLarge } = atOnce(trainingRows(labelled, FEATURES, FEATURES, HIDDEN_SIZE));
    expect(logLarge).toEqual(example.trace.bestLogprobUnderLarge);
  });

  it('are grouped by question', () => {
    const rows = atOnce(trainingRows(LABELLED, FEATURES, FEATURES, HIDDEN_SIZE));
    const groups = LABELLED.map(({ example }) => rows.groupOf(example));
    expect(groups).toEqual([0, 1, 2, 3, 1]);
    const [stranger] = labelledExamples({
      questionCount: 9,
      tokenCount: 1,
      isLow: () => true,
    }).slice(8);
    expect(stranger && rows.groupOf(stranger.example)).toBeUndefined();
  });

  it('are made in parts, and the model file is asked for a token once', () => {
    const asked: TokenId[] = [];
    const wanted = { ...FEATURES, tokenEmbedding: true };
    const embeddingOf = (id: TokenId): Float32Array => {
      asked.push(id);
      return Float32Array.from({ length: HIDDEN_SIZE }, (_, at) => id * 8 + at);
    };
    const steps = trainingRows(LABELLED, wanted, FEATURES, HIDDEN_SIZE, embeddingOf);
    let partCount = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) partCount += 1;
    expect(partCount).toBe(LABELLED.length);
    const { features, inputSize, rowCount } = step.value.dataset;
    const chosen = LABELLED.flatMap(({ example: { trace }, targets }) =>
      trace.small.filter((_, position) => targets[position]?.value !== null),
    );
    expect(chosen).toHaveLength(rowCount);
    expect(asked).toEqual([...new Set(chosen)]);
    const firsts = chosen.map((_, row) => features[(row + 1) * inputSize - HIDDEN_SIZE] ?? 0);
    expect([...fromHalf(Uint16Array.from(firsts))]).toEqual(chosen.map((id) => id * 8));
  });

  it('must be among the features that were read', () => {
    const none = { hidden: true, topLogprobs: 0, tokenEmbedding: false };
    expect(() => atOnce(trainingRows(LABELLED, FEATURES, none, HIDDEN_SIZE))).toThrow(/enough/);
    const hidden = { hidden: false, topLogprobs: 2, tokenEmbedding: false };
    expect(() => atOnce(trainingRows(LABELLED, none, hidden, HIDDEN_SIZE))).toThrow(/hidden/);
  });
});

describe('weights', () => {
  const targets = (low: number, high: number): Float32Array =>
    Float32Array.of(...Array(low).fill(0.2), ...Array(high).fill(0.5));

  it.each([
    [2, 8, 100, 4, 1],
    [2, 8, 3, 3, 1],
    [2, 8, 1, 1, 1],
    [6, 3, 10, 1, 2],
    [0, 4, 10, 1, 1],
    [4, 0, 10, 1, 1],
  ])('of %d low and %d high targets, at most %d times', (low, high, max, ofLow, ofHigh) => {
    const expected = [...Array(low).fill(ofLow), ...Array(high).fill(ofHigh)];
    const weights = new Float32Array(low + high).fill(1);
    expect([...balancedWeights({ targets: targets(low, high), weights }, max)]).toEqual(expected);
    // Rows that stand for two tokens each are no rarer for it.
    const twofold = weights.map(() => 2);
    const doubled = balancedWeights({ targets: targets(low, high), weights: twofold }, max);
    expect([...doubled]).toEqual(expected.map((weight) => 2 * weight));
  });
});

it('balanced weights balance tokens, not rows', () => {
  const targets = Float32Array.of(0, 1, 1, 1, 1);
  const weights = Float32Array.of(2, 1, 1, 1, 1);
  expect([...balancedWeights({ targets, weights }, 10)]).toEqual([4, 1, 1, 1, 1]);
  expect([...balancedWeights({ targets, weights }, 1)]).toEqual([...weights]);
});

it('labels are counted by case and by side', () => {
  const targets = LABELLED.flatMap((one) => one.targets);
  const counts = labelCounts(LABELLED);
  expect(counts).toMatchObject({ tokenCount: 35, targetCount: 30, agreeCount: 10 });
  expect(counts).toMatchObject({ settledCount: 0, rolledOutCount: 20, unjudgedCount: 5 });
  expect(counts.lowCount).toBe(targets.filter(({ value }) => value === 0).length);
  expect(counts.lowCount).toBeGreaterThan(0);
  const [{ example } = { example: null }] = LABELLED;
  if (example === null) throw new Error('there are examples');
  // 5 of 35 tokens have no target, and 5 stand for 2.5 each.
  const weights = targets.map(({ value, weight = 1 }) => (value === null ? 0 : weight));
  expect(weights.reduce((sum, weight) => sum + weight)).toBe(25 + 5 * 2.5);
  const low = weights.filter((_, at) => targets[at]?.value === 0);
  expect(low.reduce((sum, weight) => sum + weight)).toBeGreaterThan(low.length);
  expect(counts.callShare).toBeCloseTo(low.reduce((sum, weight) => sum + weight) / 37.5, 9);
  expect(labelCounts([])).toMatchObject({ targetCount: 0, callShare: 0 });
  const half = { value: 0.5, labelCase: 'large-right' as const };
  expect(labelCounts([{ example, targets: [half] }])).toMatchObject({
    ...{ lowCount: 0, settledCount: 1, targetCount: 1 },
  });
});
