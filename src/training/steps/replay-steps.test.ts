import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenIds } from '../../core/token-id.ts';
import { tinyReward } from '../../judging/fakes/tiny-reward.ts';
import type { RewardHead } from '../../judging/reward-head.ts';
import { createStrategy } from '../../strategy/strategy-value.ts';
import { MAX_TOKENS, numberWorld, promptOf, questionOf } from '../fakes/number-world.ts';
import { judgeSteps } from '../rewards/judge-steps.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { answersOf } from './read-steps.ts';
import { calibrationOfSteps, defaultDelta, type JudgedTree, replay } from './replay-steps.ts';
import { type StepTree, stateOf, walk } from './step-tree.ts';

const edge = (to: number, ...tokens: number[]) => ({ tokens: tokenIds(tokens), to });
const whole = (value: number) => ({ value, small: null, large: null });

/** The small model's first step loses all; its second one is as good as the large model's. */
const TREE: StepTree = [
  { value: null, small: edge(1, 5, 6, 7), large: edge(2, 8, 9) },
  { value: null, small: edge(3, 1), large: edge(3, 1) },
  { value: null, small: edge(4, 2, 3), large: edge(5, 4) },
  ...[0, 1, 1].map(whole),
];
const JUDGED: JudgedTree = { tree: TREE, rewards: [0.25, 0.5, 0.75, null, null, null] };

describe('a replay', () => {
  it('counts the tokens that each model wrote, and rejects below δ', () => {
    expect(replay(JUDGED, 0.5)).toEqual({
      ...{ value: 1, stepCount: 2, rejectedCount: 1, smallTokenCount: 5, largeTokenCount: 2 },
      ...{ judgedTokenCount: 5, tokenCount: 4 },
    });
    // Equality accepts.
    expect(replay(JUDGED, 0.25)).toMatchObject({ value: 0, rejectedCount: 0, tokenCount: 4 });
    expect(replay(JUDGED, 2)).toMatchObject({ value: 1, rejectedCount: 2, largeTokenCount: 3 });
  });

  it('gives a step that repeats the two before it the reward 0, as the decoder does', () => {
    const next = (to: number) => ({ value: null, small: edge(to, 7, 8), large: edge(to, 7, 8) });
    // The small model goes on with the same step for ever; the large one ends the answer.
    const end = { value: null, small: edge(4, 7, 8), large: edge(5, 9) };
    const loop: JudgedTree = {
      tree: [next(1), next(2), end, whole(0), whole(0), whole(1)],
      rewards: [0.9, 0.9, 0.9, null, null, null],
    };
    expect(replay(loop, 0.5)).toMatchObject({ value: 1, stepCount: 3, rejectedCount: 1 });
    expect(replay(loop, 0)).toMatchObject({ value: 0, rejectedCount: 0 });
    const [point] = calibrationOfSteps([loop], 'a loop', [0.5]).points;
    // One of three rewards along the large model's answer is 0.
    expect(point).toMatchObject({ predictedShare: 1 / 3, share: 1 / 3 });
  });

  it('gives δ its share of rejected steps and its part of the gap', () => {
    const good: JudgedTree = {
      tree: [{ value: null, small: edge(1, 5), large: edge(1, 5) }, whole(1)],
      rewards: [0.9, null],
    };
    const calibration = calibrationOfSteps([JUDGED, good], 'two questions');
    const [only] = calibrationOfSteps([JUDGED, good], 'two questions', [0.5]).points;
    expect(only?.predictedShare).toBeCloseTo(2 / 3);
    const whole95 = calibration.points.find(({ gapRecovered }) => gapRecovered === 1);
    expect(whole95?.share).toBeCloseTo(1 / 3);
    expect(defaultDelta(calibration)).toBe(whole95?.threshold);
    expect(
      calibration.points.every(({ share }, at, all) => share >= (all[at - 1]?.share ?? 0)),
    ).toBe(true);
  });
});

/** Steps of the world end with its token '; 3'. */
const SEPARATORS = ['3'];
const ASKED = Array.from({ length: 12 }, (_, index) => ({
  question: questionOf(index),
  prompt: promptOf(index),
}));

describe('replays of a reward head', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilotfish-replays-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const HEADS: readonly (readonly [name: string, large: RewardHead['features']['large']])[] = [
    ['rsd', 'none'],
    ['rsd-large', 'logprob'],
    ['rsd-large', 'state'],
    ['rsd-separator', 'none'],
  ];
  it.each(HEADS)(
    'are what %s writes, with features of the large model: %s',
    async (name, large) => {
      const world = numberWorld();
      const tokens = name === 'rsd-separator' ? 'last' : 'all';
      const head = tinyReward({
        ...{ strategy: name, separators: SEPARATORS, hiddenSize: 3, largeHiddenSize: 1 },
        features: { hidden: true, large, tokens },
      });
      const { pair } = world;
      const { trees } = await judgeSteps(head, ASKED, {
        ...{ pair, folder: join(folder, name + large), maxTokens: MAX_TOKENS },
        ...{ waveSize: 4, stateCountMax: 64 },
      });
      const all = trees.flatMap(({ rewards }) => rewards.flatMap((reward) => reward ?? []));
      const deltas = [0.2, 0.5, 0.8].map(
        (share) => all.toSorted((a, b) => a - b)[Math.floor(share * all.length)] ?? 0,
      );
      let rejectedCount = 0;
      for (const delta of deltas) {
        for (const [index, { prompt }] of ASKED.entries()) {
          const { tree, rewards } = trees[index] ?? JUDGED;
          const { states, kept } = walk(tree, (state) => (rewards[state] ?? 1) >= delta);
          rejectedCount += kept.filter((isKept) => !isKept).length;
          const last = states.at(-1) ?? 0;
          const { small, large: other } = stateOf(tree, last);
          const end = kept.at(-1) === true ? small : other;
          const strategy = createStrategy(`${name}@${delta}`, { rewards: new Map([[name, head]]) });
          const written = await rollOut({
            ...{ models: pair, lease: pair.soleLease(), strategy, text: prompt },
            ...{ lengthMax: prompt.length + MAX_TOKENS, sampling: GREEDY, seed: 0 },
          });
          expect(written).toEqual([...(answersOf(tree)[last] ?? []), ...(end?.tokens ?? [])]);
        }
      }
      expect(rejectedCount).toBeGreaterThan(0);
      expect(world.openCount()).toBe(0);
    },
  );
});
