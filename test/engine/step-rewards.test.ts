/** What every reward of steps keeps to: its range, its metering, and that it reads only the new step. */
import { describe, expect, it } from 'vitest';
import type { WorkEvent } from '../../src/core/events.ts';
import { tinyReward } from '../../src/judging/fakes/tiny-reward.ts';
import { DIGITS, PLUS_OR_MINUS, tagged, turns, YES_OR_NO } from '../../src/judging/judge-prompt.ts';
import { judgeReward } from '../../src/judging/judge-reward.ts';
import {
  largeAgreement,
  largeLikelihood,
  meanLogprob,
  minLogprob,
  smallLikelihood,
} from '../../src/judging/likelihood-reward.ts';
import { headReward } from '../../src/judging/reward-head.ts';
import type { StepReward } from '../../src/judging/step-reward.ts';
import { rsd } from '../../src/strategy/rsd.ts';
import { A, B, END, judge, rowCount, run, steps, writer } from './judge-world.ts';

const REWARDS: readonly StepReward[] = [
  smallLikelihood('small-likelihood', meanLogprob),
  largeLikelihood('large-likelihood', minLogprob),
  largeAgreement('large-agreement'),
  ...(['none', 'logprob'] as const).map((large) => {
    const features = { hidden: false, large, tokens: 'all' } as const;
    return headReward(`token-head-${large}`, tinyReward({ features }));
  }),
  judgeReward({ name: 'yes-no', label: 'judge', layout: turns, scales: [YES_OR_NO] }),
  judgeReward({ name: 'digits', label: 'judge', layout: turns, scales: [DIGITS] }),
  judgeReward({ name: 'reward-model', label: 'reward', layout: tagged, scales: [PLUS_OR_MINUS] }),
];

const STEP_COUNT = 6;
/** A step that repeats the two before it would not be judged. */
const ANSWER = [
  ...steps(
    ...Array.from({ length: STEP_COUNT }, (_, at) => (at % 2 === 0 ? [A, B, A] : [A, A, B])),
  ),
  END,
];

/** A judge that likes some texts better than others. */
const labelsOf = (text: string): Readonly<Record<string, number>> => {
  const liking = 0.1 + (text.length % 5) / 20;
  return { yes: liking, no: 0.1, 7: liking, 2: 0.1, ' +': liking / 4, '-': 0.02 };
};

const answered = (reward: StepReward) => {
  const models = { judge: judge(labelsOf), reward: judge(labelsOf, { name: 'reward' }) };
  return run({ small: writer(ANSWER), large: writer(ANSWER), ...models }, rsd('any', reward, 0));
};

describe.each(REWARDS)('the reward $name', (reward) => {
  it('lies between 0 and 1, and is the same again', async () => {
    const [first, again] = [await answered(reward), await answered(reward)];
    expect(first.scores.length).toBe(STEP_COUNT + 1);
    for (const score of first.scores) {
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    expect(again.scores).toEqual(first.scores);
    expect(again.text).toBe(first.text);
  });

  it('meters its own work, once for each step, and only of the models that it names', async () => {
    const { events } = await answered(reward);
    const work = events.filter((event): event is WorkEvent => event.type === 'work');
    const rewards = work.filter(({ purpose }) => purpose === 'reward');
    expect(rewards.length).toBe(Object.keys(reward.needs).length * (STEP_COUNT + 1));
    // A reward writes nothing, so no other purpose is recorded of its models but the first reading.
    const others = work.filter(({ purpose }) => !['reward', 'draft', 'prefill'].includes(purpose));
    expect(others).toEqual([]);
  });

  it('reads as much for a late step as for an early one', async () => {
    const { events } = await answered(reward);
    const rewards = events.filter(
      (event): event is WorkEvent => event.type === 'work' && event.purpose === 'reward',
    );
    const counts = rewards.map((event) => rowCount([event]));
    // The first reading has the prompt, and the last step is another one.
    expect(new Set(counts.slice(1, STEP_COUNT)).size).toBe(rewards.length === 0 ? 0 : 1);
  });
});
