import { describe, expect, it } from 'vitest';
import { fromHalf } from '../../core/half.ts';
import { FEATURES, HIDDEN_SIZE, labelledExamples } from '../fakes/examples.ts';
import { questionOf } from '../fakes/number-world.ts';
import { labelCounts } from '../rounds/label-counts.ts';
import { balancedWeights, type LabelledExample, trainingRows } from './training-rows.ts';

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

describe('rows to train on', () => {
  it.each([
    { hidden: true, topLogprobs: 2, tokenEmbedding: false },
    { hidden: true, topLogprobs: 0, tokenEmbedding: false },
    { hidden: true, topLogprobs: 1, tokenEmbedding: false },
    { hidden: false, topLogprobs: 1, tokenEmbedding: false },
  ])('are the tokens that have a target, with their own features: %o', (wanted) => {
    const rows = trainingRows(LABELLED, wanted, FEATURES, HIDDEN_SIZE);
    const from = wanted.hidden ? 0 : HIDDEN_SIZE;
    const size = (wanted.hidden ? HIDDEN_SIZE : 0) + wanted.topLogprobs;
    const readSize = HIDDEN_SIZE + FEATURES.topLogprobs;
    expect(rows.dataset).toMatchObject({ rowCount: 5 * 6, inputSize: size });
    let row = 0;
    let smallCount = 0;
    for (const { example, targets } of LABELLED) {
      const { reading } = example;
      for (const [position, { value }] of targets.entries()) {
        if (value === null) continue;
        const start = position * readSize + from;
        const own = rows.dataset.features.subarray(row * size, (row + 1) * size);
        expect(own).toEqual(reading.features.subarray(start, start + size));
        expect(rows.targets[row]).toBe(value);
        expect(rows.logSmall[row]).toBe(reading.ownBySmall[position]);
        expect(rows.weights[row]).toBe(position === 6 ? 2.5 : 1);
        const { tokens } = example.trajectory;
        const isSmall = tokens[position] === reading.small[position];
        const ofOwn = isSmall ? reading.smallByLarge : reading.bestByLarge;
        expect(rows.logLarge[row]).toBe(ofOwn[position]);
        if (isSmall) smallCount += 1;
        expect(rows.differs[row]).toBe(Number(position % 2 === 0));
        expect(rows.dataset.groups[row]).toBe(rows.groupOf(example));
        row += 1;
      }
    }
    expect(row).toBe(rows.dataset.rowCount);
    expect(smallCount).toBe(5 * 2);
    expect(fromHalf(rows.dataset.features).every(Number.isFinite)).toBe(true);
  });

  it('are grouped by question', () => {
    const rows = trainingRows(LABELLED, FEATURES, FEATURES, HIDDEN_SIZE);
    const groups = LABELLED.map(({ example }) => rows.groupOf(example));
    expect(groups).toEqual([0, 1, 2, 3, 1]);
    const [stranger] = labelledExamples({
      questionCount: 9,
      tokenCount: 1,
      isLow: () => true,
    }).slice(8);
    expect(stranger && rows.groupOf(stranger.example)).toBeUndefined();
  });

  it('must be among what was read', () => {
    const none = { hidden: true, topLogprobs: 0, tokenEmbedding: false };
    expect(() => trainingRows(LABELLED, FEATURES, none, HIDDEN_SIZE)).toThrow(/enough/);
    const hidden = { hidden: false, topLogprobs: 2, tokenEmbedding: false };
    expect(() => trainingRows(LABELLED, none, hidden, HIDDEN_SIZE)).toThrow(/hidden/);
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
    expect([...balancedWeights(targets(low, high), max)]).toEqual(expected);
  });
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
  const half = { value: 0.5, labelCase: 'large-right' as const };
  expect(labelCounts([{ example, targets: [half] }])).toMatchObject({
    ...{ lowCount: 0, settledCount: 1, targetCount: 1 },
  });
});
