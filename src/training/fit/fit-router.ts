/** Trains one router's network on labelled trajectories, and measures how well it ranks tokens. */
import { auc } from '../../network/auc.ts';
import { splitByGroup } from '../../network/dataset.ts';
import { foldNetwork } from '../../network/fold-network.ts';
import type { FoldedNetwork } from '../../network/folded-network.ts';
import { sigmoid } from '../../network/loss.ts';
import type { NetworkShape } from '../../network/network-shape.ts';
import { type Reliability, reliability } from '../../network/reliability.ts';
import { temperatureScale } from '../../network/temperature-scale.ts';
import { type TrainingOptions, trainNetwork } from '../../network/train-network.ts';
import { logitsOf } from '../../network/trained-network.ts';
import type { Objective } from '../labels/targets.ts';
import { objectiveLoss } from './objective-loss.ts';
import { TARGET_MIDDLE, type TrainingRows } from './training-rows.ts';

export interface FitSettings {
  readonly shape: Omit<NetworkShape, 'inputSize'>;
  readonly rate: number;
  readonly weightDecay: number;
  readonly batchSize: number;
  readonly epochCountMax: number;
  readonly patience: number;
  /** The share of the questions that is held out for validation. */
  readonly validationShare: number;
  /** The greatest weight of the rarer side. */
  readonly balanceMax: number;
  readonly seed: number;
}

/** Settings that routers and rewards share, beside the shape and the seed. */
export const FIT_DEFAULTS: Omit<FitSettings, 'seed' | 'shape'> = {
  rate: 1e-3,
  weightDecay: 0.01,
  batchSize: 256,
  epochCountMax: 100,
  patience: 8,
  validationShare: 0.15,
  balanceMax: 1,
};

/** How a training is stopped and continued. */
export type Continuing = Pick<TrainingOptions, 'signal' | 'checkpoint' | 'onCheckpoint'>;

export interface FitOptions extends FitSettings, Continuing {
  readonly objective: Objective;
  readonly rows: TrainingRows;
}

export interface Fit {
  readonly network: FoldedNetwork;
  readonly temperature: number;
  readonly bestEpoch: number;
  readonly epochCount: number;
  readonly validationLoss: number;
  /**
   * The area under the curve for telling tokens below the middle from those above, on validation rows.
   * Null: one side is empty.
   */
  readonly auc: number | null;
  /** The same over the tokens at which the models differ. */
  readonly aucOfDiffering: number | null;
  /** The reliability of the scores on validation rows, temperature included. */
  readonly reliability: Reliability;
  /** Rows of the validation questions. */
  readonly validationRows: Int32Array;
}

/** @throws PilotfishError `training-data-insufficient`, `training-diverged`, `aborted` */
export async function fitRouter(options: FitOptions): Promise<Fit> {
  const { rows, objective, shape, seed, signal, checkpoint, onCheckpoint } = options;
  const { dataset } = rows;
  const { training, validation } = splitByGroup(dataset.groups, options.validationShare, seed);
  const { network, bestEpoch, history } = await trainNetwork({
    ...{ signal, checkpoint, onCheckpoint },
    dataset,
    rows: training,
    validationRows: validation,
    shape: { ...shape, inputSize: dataset.inputSize },
    loss: objectiveLoss(objective, rows, options.balanceMax),
    optimiser: { ...ADAMW, rate: options.rate, weightDecay: options.weightDecay },
    batchSize: options.batchSize,
    epochCountMax: options.epochCountMax,
    patience: options.patience,
    seed,
  });
  const logits = await logitsOf(network, dataset, validation, signal);
  const targets = Float32Array.from(validation, (row) => rows.targets[row] ?? Number.NaN);
  const weights = Float32Array.from(validation, (row) => rows.weights[row] ?? Number.NaN);
  const ofDiffering = weights.map(
    (weight, at) => weight * (rows.differs[validation[at] ?? -1] ?? 0),
  );
  // A deferral has no labels. The labels of `citer-s` would only push its scores together.
  const temperature = objective === 'co-llm' ? 1 : temperatureScale(logits, targets, weights);
  const scores = logits.map((logit) => sigmoid(logit / temperature));
  const best = history[bestEpoch - 1];
  return {
    network: foldNetwork(network),
    temperature,
    reliability: reliability(scores, targets, weights, BIN_COUNT),
    bestEpoch,
    epochCount: history.length,
    validationLoss: best?.validationLoss ?? Number.NaN,
    auc: aucOf(logits, targets, weights),
    aucOfDiffering: aucOf(logits, targets, ofDiffering),
    validationRows: validation,
  };
}

/** The number of bins of a reliability diagram. */
const BIN_COUNT = 10;

export const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** The area under the curve. Rows of weight 0 do not count. */
function aucOf(logits: Float32Array, targets: Float32Array, weights: Float32Array): number | null {
  const labels = targets.map((target) => Number(target >= TARGET_MIDDLE));
  return auc(logits, labels, weights);
}
