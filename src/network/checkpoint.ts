/** The state of a training between two epochs: plain numbers by name, to be kept in a file. */
import { PilotfishError } from '../core/errors.ts';
import type { Numbers } from './matrix.ts';
import type { Network } from './network.ts';
import type { NetworkTensors } from './network-tensors.ts';
import type { Standardisation } from './standardisation.ts';
import type { Steps } from './steps.ts';

export interface EpochReport {
  /** Counts from 1. */
  readonly epoch: number;
  /**
   * The weighted mean over the training rows, each in the state of its batch: during learning, with
   * dropout.
   */
  readonly trainingLoss: number;
  /** The weighted mean over the validation rows after the epoch. */
  readonly validationLoss: number;
}

export interface TrainingCheckpoint {
  /** The steps of the optimiser so far. */
  readonly stepCount: number;
  /** The epochs so far. */
  readonly history: readonly EpochReport[];
  readonly current: NetworkTensors;
  /** The running means of each parameter's gradients and of their squares. */
  readonly first: NetworkTensors;
  readonly second: NetworkTensors;
  /** The network after the epoch of the lowest validation loss. */
  readonly best: NetworkTensors;
}

/** A copy of all tensors that an evaluation needs. */
export function* tensorsOf(
  { parameters, statistics }: Network,
  { means, factors }: Standardisation,
): Steps<NetworkTensors> {
  return yield* copied([
    { name: 'input.mean', values: means },
    { name: 'input.factor', values: factors },
    ...parameters,
    ...statistics,
  ]);
}

/** Copies by name. */
export function* copied(
  list: readonly { readonly name: string; readonly values: Numbers }[],
): Steps<NetworkTensors> {
  const tensors: Record<string, Float32Array> = {};
  for (const { name, values } of list) {
    tensors[name] = new Float32Array(values);
    yield;
  }
  return tensors;
}

/** @throws PilotfishError `head-invalid` if there is no such tensor of that length */
export function restored(tensors: NetworkTensors, name: string, length: number): Float32Array {
  const values = tensors[name];
  if (values?.length === length) return values;
  const seen = values === undefined ? 'is missing' : `has ${values.length} numbers`;
  throw new PilotfishError(
    'head-invalid',
    `The tensor ${name} ${seen}; a network of this shape has ${length} there.`,
    { remedy: 'Go on with the shape that the training began with, or begin anew.' },
  );
}

/** The first epoch with the lowest validation loss. */
export function bestOf(history: readonly EpochReport[]): EpochReport | undefined {
  return history.reduce<EpochReport | undefined>(
    (best, report) =>
      best === undefined || report.validationLoss < best.validationLoss ? report : best,
    undefined,
  );
}

export function isOver(
  history: readonly EpochReport[],
  limits: { readonly epochCountMax: number; readonly patience: number },
): boolean {
  const best = bestOf(history)?.epoch ?? 0;
  return history.length >= limits.epochCountMax || history.length - best >= limits.patience;
}
