/**
 * Replays a step method on trees: at every state a reward is known, so each threshold is judged exactly,
 * on the same states, without another forward. Pure.
 */
import { required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import { type Calibration, type CalibrationPoint, shareCuts } from '../../judging/calibration.ts';
import { ScoreDistribution } from '../../judging/score-distribution.ts';
import { repeatsBefore } from '../../strategy/repeated-step.ts';
import { type KeepsSmall, largeValue, type StepTree, stateOf, walk } from './step-tree.ts';

/** A tree with the reward of the small model's step at each state; null: there is none. */
export interface JudgedTree {
  readonly tree: StepTree;
  readonly rewards: readonly (number | null)[];
}

/** A threshold on one tree. */
export interface TreeReplay {
  readonly value: number;
  /** Steps that were drafted. */
  readonly stepCount: number;
  readonly rejectedCount: number;
  /** Tokens that each model wrote, discarded drafts included. */
  readonly smallTokenCount: number;
  readonly largeTokenCount: number;
  /** Tokens of drafts that were judged. */
  readonly judgedTokenCount: number;
  /** Tokens of the answer. */
  readonly tokenCount: number;
}

/** RSD with the binary weighting at δ. */
export function replay(judged: JudgedTree, delta: number): TreeReplay {
  return replayBy(judged.tree, (state, before) => (rewardAt(judged, state, before) ?? 1) >= delta);
}

/** The reward of the small model's step after the steps before it; null: there is none. */
function rewardAt(
  { tree, rewards }: JudgedTree,
  state: number,
  before: readonly (readonly TokenId[])[],
): number | null {
  const { small } = stateOf(tree, state);
  return small !== null && repeatsBefore(small.tokens, before) ? 0 : (rewards[state] ?? null);
}

/** Any rule: at each state it keeps the small model's draft or not. */
export function replayBy(tree: StepTree, accepts: KeepsSmall): TreeReplay {
  const { states, kept, value } = walk(tree, accepts);
  const counts = { stepCount: 0, rejectedCount: 0, smallTokenCount: 0, largeTokenCount: 0 };
  let [judgedTokenCount, tokenCount] = [0, 0];
  for (const [at, state] of states.entries()) {
    const { small, large } = stateOf(tree, state);
    const draft = small?.tokens.length ?? 0;
    counts.smallTokenCount += draft;
    judgedTokenCount += draft;
    const isKept = kept[at] === true;
    // Past the limit of a tree nothing was drafted, so nothing was judged.
    if (small !== null) {
      counts.stepCount += 1;
      if (!isKept) counts.rejectedCount += 1;
    }
    if (!isKept) counts.largeTokenCount += large?.tokens.length ?? 0;
    tokenCount += isKept ? draft : (large?.tokens.length ?? 0);
  }
  return { value, ...counts, judgedTokenCount, tokenCount };
}

/** Shares of steps, along the large model's answers, at which a calibration has points. */
export const REPLAY_SHARES: readonly number[] = [
  ...[0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.35],
  ...[0.4, 0.5, 0.6, 0.8],
];

/**
 * The relation between δ and the share of rejected steps, with the recovered part of the gap.
 * @param trees at least one; `agreement` is the share of steps along the large model's answers that come
 *   out as its own
 */
export function calibrationOfSteps(
  trees: readonly JudgedTree[],
  on: string,
  shares: readonly number[] = REPLAY_SHARES,
): Calibration {
  const along = trees.flatMap((judged) => stepsAlong(judged));
  const rewards = along.map(({ reward }) => reward);
  const cuts = shareCuts(rewards);
  const distribution = new ScoreDistribution(rewards, 'below');
  const small = meanOf(trees, (one) => replayBy(one.tree, () => true).value);
  const large = meanOf(trees, ({ tree }) => largeValue(tree, 0));
  // Rewards lie in [0, 1]; a cut below all of them is the threshold that rejects nothing.
  const thresholds = shares.map((share) => Math.max(0, distribution.cutFor(share).threshold));
  let highest = 0;
  const points = [...new Set(thresholds)]
    .sort((a, b) => a - b)
    .map((threshold): CalibrationPoint => {
      const replays = trees.map((one) => replay(one, threshold));
      const sum = (of: (one: TreeReplay) => number): number =>
        replays.reduce((total, one) => total + of(one), 0);
      const rejected = sum(({ rejectedCount }) => rejectedCount) / sum((one) => one.stepCount);
      highest = Math.max(highest, rejected);
      const accuracy = sum(({ value }) => value) / trees.length;
      const same = along.filter(({ reward, differs }) => reward < threshold || !differs);
      return {
        threshold,
        predictedShare: distribution.deferredShare(threshold),
        share: highest,
        agreement: same.length / along.length,
        gapRecovered: large > small ? (accuracy - small) / (large - small) : null,
      };
    });
  return { on, cuts, points };
}

/**
 * The default threshold: the least measured one that recovers the whole gap, or else the one that
 * recovers most. Without a gap, the one that rejects least.
 */
export function defaultDelta({ points }: Calibration): number {
  const whole = points.find(({ gapRecovered }) => (gapRecovered ?? 1) >= 1);
  const most = Math.max(...points.map(({ gapRecovered }) => gapRecovered ?? 0));
  const best = whole ?? points.find(({ gapRecovered }) => gapRecovered === most);
  return required(best, 'there are points').threshold;
}

interface StepAlong {
  readonly reward: number;
  /** Whether the models' steps differ. */
  readonly differs: boolean;
}

/** The steps along the large model's own answer. */
function stepsAlong(judged: JudgedTree): readonly StepAlong[] {
  const { states, steps } = walk(judged.tree, () => false);
  return states.flatMap((state, at) => {
    const reward = rewardAt(judged, state, steps.slice(0, at));
    const { small, large } = stateOf(judged.tree, state);
    return reward === null ? [] : [{ reward, differs: small?.to !== large?.to }];
  });
}

function meanOf<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0) / items.length;
}
