/**
 * Trains a network with shuffled batches, AdamW, and early stopping by the loss on validation rows.
 * The same options give the same weights, bit for bit, even if a training was interrupted and
 * continued from a checkpoint.
 */
import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { adamwStep, type Moments, type OptimiserSettings, zeroMoments } from './adamw.ts';
import { batchesOf, largestBatch, shuffledUnits } from './batches.ts';
import {
  bestOf,
  copied,
  type EpochReport,
  isOver,
  restored,
  type TrainingCheckpoint,
  tensorsOf,
} from './checkpoint.ts';
import { checkDataset, type Dataset } from './dataset.ts';
import { fastMultiply } from './kernel/kernel-multiply.ts';
import { type BatchLoss, type RowLoss, rowwise } from './loss.ts';
import type { Multiply, Numbers } from './matrix.ts';
import { Network } from './network.ts';
import { checkShape, type NetworkShape } from './network-shape.ts';
import type { NetworkTensors } from './network-tensors.ts';
import { shuffled } from './shuffle.ts';
import { type Standardisation, standardisationOf, standardise } from './standardisation.ts';
import { inTurns, type Steps } from './steps.ts';
import type { TrainedNetwork } from './trained-network.ts';

export interface TrainingOptions {
  readonly dataset: Dataset;
  /** The rows to learn from. */
  readonly rows: Int32Array;
  /** The rows that decide when to stop. No example of theirs is among the training rows. */
  readonly validationRows: Int32Array;
  readonly shape: NetworkShape;
  /** Of each row by itself, or of the rows of units together. */
  readonly loss: RowLoss | BatchLoss;
  /** [rowCount] rows of one unit stay in one batch, side by side. Default: each row is a unit. */
  readonly units?: Int32Array | undefined;
  readonly optimiser: OptimiserSettings;
  /** At least 2, because batch normalisation needs rows to compare. */
  readonly batchSize: number;
  readonly epochCountMax: number;
  /** Stops after this number of epochs without a lower validation loss. */
  readonly patience: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onEpoch?: ((report: EpochReport) => void) | undefined;
  /** The state to continue from. All other options must be as they were. */
  readonly checkpoint?: TrainingCheckpoint | undefined;
  /** Receives the state after each epoch as copies that the caller may keep. */
  readonly onCheckpoint?: ((checkpoint: TrainingCheckpoint) => void) | undefined;
  /** The product of matrices. Default: the fast way. */
  readonly multiply?: Multiply | undefined;
}

export interface TrainingResult {
  /** The network after its best epoch. */
  readonly network: TrainedNetwork;
  readonly history: readonly EpochReport[];
  /** Counts from 1. */
  readonly bestEpoch: number;
}

/**
 * @throws PilotfishError `training-data-insufficient`, `training-diverged`, `option-invalid`,
 *   `head-invalid` for a checkpoint of another network, `aborted`
 */
export async function trainNetwork(options: TrainingOptions): Promise<TrainingResult> {
  check(options);
  return await inTurns(train(options), options.signal);
}

function* train(options: TrainingOptions): Steps<TrainingResult> {
  const standardisation = yield* standardisationOf(options.dataset, options.rows);
  const training = new Training(options, standardisation);
  yield* training.begin();
  let checkpoint = options.checkpoint ?? (yield* training.checkpoint([]));
  if (options.checkpoint !== undefined) training.restore(options.checkpoint);
  while (!isOver(checkpoint.history, options)) {
    const report = yield* training.epoch(checkpoint.history.length + 1);
    checkpoint = yield* training.checkpoint([...checkpoint.history, report], checkpoint);
    options.onEpoch?.(report);
    options.onCheckpoint?.(checkpoint);
  }
  const { history, best } = checkpoint;
  const network = { shape: options.shape, tensors: best };
  return { network, history, bestEpoch: bestOf(history)?.epoch ?? 0 };
}

/** A network, its optimiser and the memory of one batch. */
class Training {
  readonly #options: TrainingOptions;
  readonly #loss: BatchLoss;
  readonly #standardisation: Standardisation;
  readonly #network: Network;
  readonly #moments: readonly Moments[];
  /** Scales the sum over a batch to the mean, for weights of mean 1. */
  readonly #meanWeight: number;
  readonly #inputs: Float32Array;
  readonly #slopes: Float32Array;
  #stepCount = 0;

  constructor(options: TrainingOptions, standardisation: Standardisation) {
    const { dataset, rows, shape, loss, seed, batchSize, multiply = fastMultiply() } = options;
    const rowCountMax = largestBatch(batchSize, [rows, options.validationRows], options.units);
    const allocate = (count: number): Float32Array => new Float32Array(count);
    this.#options = options;
    this.#loss = 'measure' in loss ? loss : rowwise(loss);
    this.#standardisation = standardisation;
    this.#network = new Network({ shape, seed, rowCountMax, allocate, multiply });
    this.#moments = this.#network.parameters.map(zeroMoments);
    this.#meanWeight = weightOf(loss, rows) / rows.length;
    this.#inputs = new Float32Array(rowCountMax * dataset.inputSize);
    this.#slopes = new Float32Array(rowCountMax);
  }

  *begin(): Steps<void> {
    yield* this.#network.initialise(this.#options.seed);
  }

  *epoch(epoch: number): Steps<EpochReport> {
    const { rows, validationRows, loss, seed, batchSize } = this.#options;
    const { units } = this.#options;
    let sum = 0;
    const order = shuffledUnits(rows, units, (all) => shuffled(all, seed, 'shuffle', epoch));
    for (const batch of batchesOf(order, batchSize, units)) {
      sum += yield* this.#learn(batch);
      if (!Number.isFinite(sum)) throw diverged(epoch, 'training', sum);
    }
    let validationSum = 0;
    for (const batch of batchesOf(validationRows, batchSize, units)) {
      const logits = yield* this.#logits(batch, false);
      validationSum += this.#loss.measure(logits, batch, this.#slopes, 1);
    }
    const trainingLoss = sum / weightOf(loss, rows);
    const validationLoss = validationSum / weightOf(loss, validationRows);
    if (!Number.isFinite(validationLoss)) throw diverged(epoch, 'validation', validationLoss);
    return { epoch, trainingLoss, validationLoss };
  }

  /** A copy of the whole state that the next epoch depends on. */
  *checkpoint(
    history: readonly EpochReport[],
    before?: TrainingCheckpoint,
  ): Steps<TrainingCheckpoint> {
    const current = yield* tensorsOf(this.#network, this.#standardisation);
    const moments = (kind: 'first' | 'second'): Steps<NetworkTensors> =>
      copied(this.#moments.map((all) => ({ name: all.parameter.name, values: all[kind] })));
    const isBest = before === undefined || bestOf(history) === history.at(-1);
    return {
      stepCount: this.#stepCount,
      history,
      current,
      first: yield* moments('first'),
      second: yield* moments('second'),
      best: isBest ? current : before.best,
    };
  }

  /** @throws PilotfishError `head-invalid` if the checkpoint is of another network */
  restore(checkpoint: TrainingCheckpoint): void {
    const { current, first, second, stepCount } = checkpoint;
    for (const { name, values } of [...this.#network.parameters, ...this.#network.statistics]) {
      values.set(restored(current, name, values.length));
    }
    for (const moments of this.#moments) {
      const { name } = moments.parameter;
      moments.first.set(restored(first, name, moments.first.length));
      moments.second.set(restored(second, name, moments.second.length));
    }
    this.#stepCount = stepCount;
  }

  /** One step of the optimiser. @returns the sum of the batch's losses before the step */
  *#learn(batch: Int32Array): Steps<number> {
    const { optimiser } = this.#options;
    const logits = yield* this.#logits(batch, true);
    const share = 1 / (batch.length * this.#meanWeight);
    const sum = this.#loss.measure(logits, batch, this.#slopes, share);
    yield* this.#network.backward(this.#slopes, batch.length);
    this.#stepCount += 1;
    for (const moments of this.#moments) {
      adamwStep(moments, optimiser, this.#stepCount);
      yield;
    }
    return sum;
  }

  *#logits(batch: Int32Array, training: boolean): Steps<Numbers> {
    standardise(this.#options.dataset, this.#standardisation, batch, this.#inputs);
    yield;
    const pass = { training, step: this.#stepCount };
    return yield* this.#network.forward(this.#inputs, batch.length, pass);
  }
}

function weightOf(loss: Pick<BatchLoss, 'weights'>, rows: Int32Array): number {
  return rows.reduce((sum, row) => sum + (loss.weights[row] as number), 0);
}

function check(options: TrainingOptions): void {
  const { dataset, rows, validationRows, shape, loss, batchSize } = options;
  const { epochCountMax, patience } = options;
  checkShape(shape);
  checkDataset(dataset);
  invariant(dataset.inputSize === shape.inputSize, 'the network reads the features of the rows');
  invariant(loss.weights.length === dataset.rowCount, 'each row has a weight');
  const groups = new Set(rows.map((row) => dataset.groups[row] as number));
  const shared = validationRows.find((row) => groups.has(dataset.groups[row] as number));
  invariant(shared === undefined, `row ${shared} validates the example that it trains`);
  const counts = Object.entries({ epochCountMax, patience });
  const wrong = counts.find(([, count]) => !Number.isInteger(count) || count < 1);
  if (wrong !== undefined) throw optionInvalid(`${wrong[0]} is ${wrong[1]}`, 'at least 1');
  if (!Number.isInteger(batchSize) || batchSize < 2) {
    throw optionInvalid(`batchSize is ${batchSize}`, 'at least 2');
  }
  const [weight, validationWeight] = [weightOf(loss, rows), weightOf(loss, validationRows)];
  if (rows.length < 2 || !(weight > 0) || !(validationWeight > 0)) {
    throw new PilotfishError(
      'training-data-insufficient',
      `${rows.length} rows of weight ${weight} to train on and ${validationRows.length} of weight ` +
        `${validationWeight} to validate with are not enough.`,
      { remedy: 'Collect more rows, of at least two examples.' },
    );
  }
}

function optionInvalid(seen: string, wanted: string): PilotfishError {
  const remedy = `Use a whole number, ${wanted}.`;
  return new PilotfishError('option-invalid', `${seen}, which is not possible.`, { remedy });
}

function diverged(epoch: number, side: string, loss: number): PilotfishError {
  return new PilotfishError(
    'training-diverged',
    `The ${side} loss became ${loss} in epoch ${epoch}.`,
    {
      remedy: 'Train with a lower rate, or look for rows that are out of the ordinary.',
      fields: { epoch },
    },
  );
}
