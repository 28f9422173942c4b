/** Trains the network of a token head on the steps of trees, and measures how well it ranks steps. */
import { auc } from '../../network/auc.ts';
import { splitByGroup } from '../../network/dataset.ts';
import { foldNetwork } from '../../network/fold-network.ts';
import type { FoldedNetwork } from '../../network/folded-network.ts';
import { logSigmoid, stepLoss } from '../../network/loss.ts';
import { POOL_LOGS, type Pooling } from '../../network/pooling.ts';
import { type Reliability, reliability } from '../../network/reliability.ts';
import { trainNetwork } from '../../network/train-network.ts';
import { logitsOf } from '../../network/trained-network.ts';
import type { StepRows } from '../steps/step-rows.ts';
import { ADAMW, type Continuing, type FitSettings } from './fit-router.ts';
import { TARGET_MIDDLE } from './training-rows.ts';

export interface FitRewardOptions extends Omit<FitSettings, 'balanceMax'>, Continuing {
  readonly rows: StepRows;
  /** How tokens make the reward of their step; default: as a product. */
  readonly pooling?: Pooling | undefined;
}

export interface RewardFit {
  readonly network: FoldedNetwork;
  readonly bestEpoch: number;
  readonly epochCount: number;
  readonly validationLoss: number;
  /** Of steps that do no harm against steps that do, at states that can still be solved. */
  readonly auc: number | null;
  /** The same at states where the models' steps differ. */
  readonly aucOfDiffering: number | null;
  /** [step count] the reward of every step, with those that it was trained on. */
  readonly rewards: Float32Array;
  /** [step count] 1: the step's question was held out. */
  readonly isHeldOut: Uint8Array;
  /** The reliability of the rewards of held-out steps. */
  readonly reliability: Reliability;
}

/** @throws PilotfishError `training-data-insufficient`, `training-diverged`, `aborted` */
export async function fitReward(options: FitRewardOptions): Promise<RewardFit> {
  const { rows, shape, seed, signal, checkpoint, onCheckpoint, pooling = 'product' } = options;
  const { dataset, steps, targets } = rows;
  const { training, validation } = splitByGroup(dataset.groups, options.validationShare, seed);
  const { network, bestEpoch, history } = await trainNetwork({
    ...{ signal, checkpoint, onCheckpoint },
    ...{ dataset, rows: training, validationRows: validation, units: steps },
    shape: { ...shape, inputSize: dataset.inputSize },
    loss: stepLoss(steps, targets, sharedWeights(steps), pooling),
    optimiser: { ...ADAMW, rate: options.rate, weightDecay: options.weightDecay },
    ...{ batchSize: options.batchSize, epochCountMax: options.epochCountMax },
    ...{ patience: options.patience, seed },
  });
  const all = Int32Array.from(steps, (_, row) => row);
  const logits = await logitsOf(network, dataset, all, signal);
  const rewards = pooled(logits, steps, targets.length, pooling);
  const isHeldOut = new Uint8Array(targets.length);
  for (const row of validation) isHeldOut[steps[row] as number] = 1;
  // Soft labels have two sides, too.
  const labels = targets.map((target) => Number(target >= TARGET_MIDDLE));
  const ranked = (weights: Uint8Array): number | null =>
    auc(rewards, labels, Float32Array.from(weights));
  const solvable = isHeldOut.map((held, step) => held * (rows.solvable[step] as number));
  return {
    network: foldNetwork(network),
    ...{ bestEpoch, epochCount: history.length, rewards, isHeldOut },
    validationLoss: history[bestEpoch - 1]?.validationLoss ?? Number.NaN,
    auc: ranked(solvable),
    reliability: reliability(rewards, targets, Float32Array.from(isHeldOut), BIN_COUNT),
    aucOfDiffering: ranked(solvable.map((held, step) => held * (rows.differs[step] as number))),
  };
}

/** The number of bins of a reliability diagram. */
const BIN_COUNT = 10;

/** Every step weighs 1, whatever its length. */
function sharedWeights(steps: Int32Array): Float32Array {
  const counts = new Map<number, number>();
  for (const step of steps) counts.set(step, (counts.get(step) ?? 0) + 1);
  return Float32Array.from(steps, (step) => 1 / (counts.get(step) ?? 1));
}

/** [step count] the reward of each step. */
function pooled(
  logits: Float32Array,
  steps: Int32Array,
  stepCount: number,
  pooling: Pooling,
): Float32Array {
  const pool = POOL_LOGS[pooling];
  const logs = new Float64Array(stepCount);
  for (const [row, step] of steps.entries()) {
    logs[step] = pool(logs[step] as number, logSigmoid(logits[row] as number));
  }
  return Float32Array.from(logs, Math.exp);
}
