/** Judges the steps of questions with a reward head: trees whose every small step has its reward. */
import { required } from '../../core/invariant.ts';
import type { RewardHead } from '../../judging/reward-head.ts';
import { type Reliability, reliability } from '../../network/reliability.ts';
import { type AskedQuestion, type LabelStepsOptions, labelSteps } from '../steps/label-steps.ts';
import type { JudgedTree } from '../steps/replay-steps.ts';
import { rewardsOf } from './rewards-of.ts';

export type JudgeStepsOptions = Omit<
  LabelStepsOptions,
  'separators' | 'label' | 'values' | 'rolloutCountMax' | 'read'
>;

export interface JudgedSteps {
  readonly trees: readonly JudgedTree[];
  /** The rewards against the labels. */
  readonly agreement: Reliability;
}

/** The number of bins of a reliability diagram. */
const BIN_COUNT = 10;

/** @throws PilotfishError as `labelSteps` */
export async function judgeSteps(
  head: RewardHead,
  asked: readonly AskedQuestion[],
  options: JudgeStepsOptions,
): Promise<JudgedSteps> {
  const { hidden, large } = head.features;
  const read = { hidden, large };
  const { examples } = await labelSteps(asked, {
    ...{ ...options, read, separators: head.separators, label: 'advantage' },
    values: { finisher: 'large', draws: { count: 1, temperature: 1 }, seed: 0 },
    rolloutCountMax: Number.POSITIVE_INFINITY,
  });
  const scores: number[] = [];
  const targets: number[] = [];
  const trees = examples.map(({ tree, readings, labels }) => {
    const rewards = rewardsOf(readings, read, head);
    for (const [state, reward] of rewards.entries()) {
      if (reward === null) continue;
      scores.push(reward);
      targets.push(required(labels[state], 'a small step has a label'));
    }
    return { tree, rewards };
  });
  const weights = new Float32Array(scores.length).fill(1);
  const agreement = reliability(
    ...([Float32Array.from(scores), Float32Array.from(targets), weights] as const),
    BIN_COUNT,
  );
  return { trees, agreement };
}
