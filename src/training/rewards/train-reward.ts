/**
 * Trains a reward head: labels the small model's steps on trees of questions, fits the network, and finds
 * its thresholds by replays on the questions that were held out.
 */
import { join } from 'node:path';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import { questionNumber } from '../../evaluation/question-key.ts';
import type { HeadFacts } from '../../judging/head.ts';
import type { HiddenSizes, RewardFeatures } from '../../judging/reward-features.ts';
import { decodeReward, encodeReward } from '../../judging/reward-file.ts';
import { poolingOf, type RewardHead } from '../../judging/reward-head.ts';
import { fitReward, type RewardFit } from '../fit/fit-reward.ts';
import type { FitSettings } from '../fit/fit-router.ts';
import { KeptCheckpoint } from '../fit/kept-checkpoint.ts';
import { reliabilityPoints } from '../fit/reliability-points.ts';
import { TARGET_MIDDLE } from '../fit/training-rows.ts';
import {
  type AskedQuestion,
  type LabelledSteps,
  type LabelStepsOptions,
  labelSteps,
} from '../steps/label-steps.ts';
import { calibrationOfSteps, defaultDelta, type JudgedTree } from '../steps/replay-steps.ts';
import { type StepExample, type StepRows, stepRows } from '../steps/step-rows.ts';
import { bestValue, largeValue, walk } from '../steps/step-tree.ts';
import { type BestOf, bestOfN } from './best-of-n.ts';

export interface TrainRewardOptions extends Omit<LabelStepsOptions, 'read'> {
  /** The strategy that the head serves. */
  readonly strategy: string;
  /** The pair that the head is bound to. */
  readonly boundTo: HeadFacts['pair'];
  readonly asked: readonly AskedQuestion[];
  readonly features: RewardFeatures;
  readonly fit: FitSettings;
  /** How the head was made, for a reader of its file. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Answers per held-out question among which the reward chooses; 0: none are drawn. */
  readonly answerCount: number;
}

export interface RewardReport {
  readonly questionCount: number;
  /** Trees that the cap on rollouts left out. */
  readonly skippedCount: number;
  readonly rolloutCount: number;
  readonly stateCount: number;
  /** Labelled steps, and the share of them that do harm. */
  readonly stepCount: number;
  readonly harmfulShare: number;
  /** Greedy accuracies on all questions, and the best of any mixture of steps. */
  readonly smallAccuracy: number;
  readonly largeAccuracy: number;
  readonly bestAccuracy: number;
  readonly auc: number | null;
  readonly aucOfDiffering: number | null;
  readonly calibrationError: number | null;
  readonly bestEpoch: number;
  readonly validationLoss: number;
  /** Null: no answers were drawn. */
  readonly bestOf: BestOf | null;
}

export interface TrainedReward {
  readonly reward: RewardHead;
  readonly bytes: Uint8Array;
  readonly report: RewardReport;
}

/**
 * @throws PilotfishError `training-data-insufficient`, `training-diverged`, `training-invalid`,
 *   `aborted`; trees, rollouts and training steps until then are kept
 */
export async function trainReward(options: TrainRewardOptions): Promise<TrainedReward> {
  const { features, pair } = options;
  const { hidden, large } = features;
  const labelled = await labelSteps(options.asked, { ...options, read: { hidden, large } });
  if (labelled.skippedCount > 0) {
    options.onNotice?.(`The cap on rollouts left ${labelled.skippedCount} questions out.`);
  }
  const { small: ofSmall, large: ofLarge } = pair.models;
  const sizes = { small: ofSmall.facts.hiddenSize, large: ofLarge.facts.hiddenSize };
  const rows = stepRows(labelled.examples, features, { hidden, large }, sizes);
  checkLabels(rows, labelled);
  const fit = await fitKept(rows, options);
  const { reward, bytes } = headOf(fit, rows, labelled, sizes, options);
  const bestOf = await bestOfHeldOut(fit, rows, reward, labelled.asked, options);
  return { reward, bytes, report: reportOf(fit, rows, labelled, bestOf) };
}

/** @throws PilotfishError `training-data-insufficient` */
function checkLabels({ targets }: StepRows, { examples, skippedCount }: LabelledSteps): void {
  const badCount = targets.filter((target) => target < TARGET_MIDDLE).length;
  if (badCount > 0 && badCount < targets.length) return;
  const trees = `${examples.length} ${examples.length === 1 ? 'tree' : 'trees'}`;
  const seen =
    targets.length === 0
      ? `There are no steps in ${trees}`
      : `All ${targets.length} steps of ${trees} ` +
        `${badCount === 0 ? 'are harmless' : 'do harm'}`;
  throw new PilotfishError('training-data-insufficient', `${seen}: there is nothing to learn.`, {
    remedy:
      skippedCount > 0
        ? `The cap left ${skippedCount} questions out: give a larger --rollout-cap, or fewer --rollouts.`
        : 'Train on more questions, or on questions that the large model can answer and the small one ' +
          'cannot. An answer without a separator is one step: see --steps.',
    fields: { stepCount: targets.length, badCount },
  });
}

async function fitKept(rows: StepRows, options: TrainRewardOptions): Promise<RewardFit> {
  const { fit, folder, signal, strategy, features } = options;
  const path = join(folder, `network-${strategy}.checkpoint`);
  const { dataset, steps, targets } = rows;
  const settings = [strategy, features, fit];
  const arrays = [dataset.features, dataset.groups, steps, targets];
  const kept = await KeptCheckpoint.open(path, { settings, arrays }, options);
  try {
    return await fitReward({
      ...{ ...fit, rows, signal, pooling: poolingOf(features) },
      checkpoint: kept.checkpoint ?? undefined,
      onCheckpoint: (checkpoint) => {
        kept.keep(checkpoint);
        const done = checkpoint.history.length;
        options.onProgress?.({ label: 'Training the network', done, total: null, unit: 'steps' });
      },
    });
  } finally {
    await kept.write();
  }
}

function headOf(
  fit: RewardFit,
  rows: StepRows,
  { asked, examples }: LabelledSteps,
  sizes: HiddenSizes,
  options: TrainRewardOptions,
): Pick<TrainedReward, 'reward' | 'bytes'> {
  const judged = judgedTrees(fit, rows, examples);
  const heldOut = judged.filter((_, question) => isHeldOut(fit, rows, question));
  const calibration = calibrationOfSteps(heldOut, `${heldOut.length} held-out questions`);
  const bytes = encodeReward({
    ...{ strategy: options.strategy, pair: options.boundTo, features: options.features },
    ...{ hiddenSize: sizes.small, largeHiddenSize: sizes.large, separators: options.separators },
    ...{ calibration, defaultThreshold: defaultDelta(calibration) },
    reliability: reliabilityPoints(fit.reliability),
    training: options.facts,
    trainedOn: new Set(asked.map(({ question }) => questionNumber(question))),
    calibratedOn: new Set(),
    network: fit.network,
  });
  // Weights in half precision, as they will be read again.
  return { reward: decodeReward(bytes), bytes };
}

function judgedTrees(
  fit: RewardFit,
  { places }: StepRows,
  examples: readonly StepExample[],
): readonly JudgedTree[] {
  const rewards = examples.map(({ tree }) => tree.map((): number | null => null));
  for (const [step, [question, state]] of places.entries()) {
    required(rewards[question], 'a question')[state] = fit.rewards[step] ?? null;
  }
  return examples.map(({ tree }, question) => ({
    tree,
    rewards: required(rewards[question], 'a question'),
  }));
}

function isHeldOut(fit: RewardFit, { places }: StepRows, question: number): boolean {
  return fit.isHeldOut[places.findIndex(([at]) => at === question)] === 1;
}

async function bestOfHeldOut(
  fit: RewardFit,
  rows: StepRows,
  reward: RewardHead,
  asked: readonly AskedQuestion[],
  options: TrainRewardOptions,
): Promise<BestOf | null> {
  const { answerCount } = options;
  if (answerCount === 0) return null;
  const heldOut = asked.filter((_, question) => isHeldOut(fit, rows, question));
  return await bestOfN(heldOut, reward, { ...options, answerCount });
}

function reportOf(
  fit: RewardFit,
  rows: StepRows,
  { examples, skippedCount, rolloutCount }: LabelledSteps,
  bestOf: BestOf | null,
): RewardReport {
  const mean = (of: (example: StepExample) => number): number =>
    examples.reduce((sum, example) => sum + of(example), 0) / examples.length;
  const { targets } = rows;
  const { auc, aucOfDiffering, bestEpoch, validationLoss, reliability } = fit;
  return {
    questionCount: examples.length,
    ...{ skippedCount, rolloutCount },
    stateCount: examples.reduce((sum, { tree }) => sum + tree.length, 0),
    stepCount: targets.length,
    harmfulShare: targets.filter((target) => target < TARGET_MIDDLE).length / targets.length,
    smallAccuracy: mean(({ tree }) => walk(tree, () => true).value),
    largeAccuracy: mean(({ tree }) => largeValue(tree, 0)),
    bestAccuracy: mean(({ tree }) => bestValue(tree, 0)),
    ...{ auc, aucOfDiffering, bestEpoch, validationLoss, bestOf },
    calibrationError: reliability.expectedCalibrationError,
  };
}
