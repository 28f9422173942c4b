/** A trained network, and its logits in evaluation mode. */
import { invariant } from '../core/invariant.ts';
import { batchesOf } from './batches.ts';
import { restored } from './checkpoint.ts';
import type { Dataset } from './dataset.ts';
import { fastMultiply } from './kernel/kernel-multiply.ts';
import type { Multiply } from './matrix.ts';
import { Network } from './network.ts';
import type { NetworkShape } from './network-shape.ts';
import type { NetworkTensors } from './network-tensors.ts';
import { standardise } from './standardisation.ts';
import { inTurns, type Steps } from './steps.ts';

export interface TrainedNetwork {
  readonly shape: NetworkShape;
  readonly tensors: NetworkTensors;
}

const BATCH_SIZE = 256;

/** The logits of `rows`, in their order. @throws PilotfishError `head-invalid`, `aborted` */
export async function logitsOf(
  network: TrainedNetwork,
  dataset: Dataset,
  rows: Int32Array,
  signal?: AbortSignal,
): Promise<Float32Array> {
  return await inTurns(evaluate(network, dataset, rows, fastMultiply()), signal);
}

export function* evaluate(
  { shape, tensors }: TrainedNetwork,
  dataset: Dataset,
  rows: Int32Array,
  multiply: Multiply,
): Steps<Float32Array> {
  invariant(dataset.inputSize === shape.inputSize, 'the network reads the features of the rows');
  const allocate = (count: number): Float32Array => new Float32Array(count);
  const rowCountMax = BATCH_SIZE + 1;
  const network = new Network({ shape, seed: 0, rowCountMax, allocate, multiply });
  for (const { name, values } of [...network.parameters, ...network.statistics]) {
    values.set(restored(tensors, name, values.length));
  }
  const standardisation = {
    means: restored(tensors, 'input.mean', shape.inputSize),
    factors: restored(tensors, 'input.factor', shape.inputSize),
  };
  const inputs = allocate(rowCountMax * shape.inputSize);
  const logits = new Float32Array(rows.length);
  let done = 0;
  for (const batch of batchesOf(rows, BATCH_SIZE)) {
    standardise(dataset, standardisation, batch, inputs);
    yield;
    const pass = { training: false, step: 0 };
    const values = yield* network.forward(inputs, batch.length, pass);
    logits.set(values.subarray(0, batch.length), done);
    done += batch.length;
  }
  return logits;
}
