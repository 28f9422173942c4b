import { describe, expect, it } from 'vitest';
import { halfBits } from '../core/half.ts';
import { auc } from './auc.ts';
import type { TrainingCheckpoint } from './checkpoint.ts';
import { madeUpTraining } from './fakes/rows.ts';
import { crossEntropyLoss } from './loss.ts';
import { plainMultiply } from './matrix.ts';
import type { NetworkTensors } from './network-tensors.ts';
import { type TrainingOptions, trainNetwork } from './train-network.ts';
import { logitsOf } from './trained-network.ts';

const OPTIONS = madeUpTraining();
const { dataset, rows, validationRows, loss } = OPTIONS;
/** [rowCount] the targets. The slope at logit 0 is 1/2 minus the target. */
const targets = Float32Array.from(
  { length: dataset.rowCount },
  (_, row) => 0.5 - loss.slope(0, row),
);

function bytesOf(tensors: NetworkTensors): string {
  return JSON.stringify(
    Object.entries(tensors).map(([name, values]) => [
      name,
      Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
    ]),
  );
}

async function validationLoss(network: Awaited<ReturnType<typeof trainNetwork>>['network']) {
  const logits = await logitsOf(network, dataset, validationRows);
  const sum = logits.reduce(
    (total, logit, index) => total + loss.loss(logit, validationRows[index] as number),
    0,
  );
  return sum / validationRows.length;
}

const failure = (options: Partial<TrainingOptions>): Promise<unknown> =>
  trainNetwork({ ...OPTIONS, ...options }).then(
    () => null,
    (error: unknown) => error,
  );

describe('training', () => {
  it('learns a task that no linear network can learn', async () => {
    const { network, history } = await trainNetwork(OPTIONS);
    const logits = await logitsOf(network, dataset, validationRows);
    const labels = Float32Array.from(validationRows, (row) => targets[row] as number);
    expect(
      auc(
        logits,
        labels,
        labels.map(() => 1),
      ),
    ).toBeGreaterThan(0.95);
    expect(history[0]?.validationLoss).toBeGreaterThan(0.6);
    expect(history.at(-1)?.trainingLoss).toBeLessThan(0.3);
    const linear = await trainNetwork({ ...OPTIONS, shape: { ...OPTIONS.shape, hidden: [] } });
    const others = await logitsOf(linear.network, dataset, validationRows);
    expect(
      auc(
        others,
        labels,
        labels.map(() => 1),
      ),
    ).toBeLessThan(0.7);
  });

  it('gives the same bits for the same seed, and other bits for another seed', async () => {
    const options = { ...OPTIONS, epochCountMax: 3 };
    const [first, second, other] = [
      await trainNetwork(options),
      await trainNetwork(options),
      await trainNetwork({ ...options, seed: 8 }),
    ];
    expect(bytesOf(second.network.tensors)).toBe(bytesOf(first.network.tensors));
    expect(second.history).toEqual(first.history);
    expect(bytesOf(other.network.tensors)).not.toBe(bytesOf(first.network.tensors));
  });

  it('gives nearly the same result with the plain loops', async () => {
    const options = { ...OPTIONS, epochCountMax: 4 };
    const fast = await trainNetwork(options);
    const plain = await trainNetwork({ ...options, multiply: plainMultiply });
    for (const [index, { validationLoss }] of fast.history.entries()) {
      expect(validationLoss).toBeCloseTo(plain.history[index]?.validationLoss ?? 0, 4);
    }
  });

  it('continues from any checkpoint as if it had never stopped', async () => {
    const options = { ...OPTIONS, epochCountMax: 6 };
    const checkpoints: TrainingCheckpoint[] = [];
    const whole = await trainNetwork({
      ...options,
      onCheckpoint: (checkpoint) => checkpoints.push(checkpoint),
    });
    expect(checkpoints.map(({ history }) => history.length)).toEqual([1, 2, 3, 4, 5, 6]);
    for (const checkpoint of checkpoints) {
      const resumed = await trainNetwork({ ...options, checkpoint });
      expect(bytesOf(resumed.network.tensors)).toBe(bytesOf(whole.network.tensors));
      expect(resumed.history).toEqual(whole.history);
      expect(resumed.bestEpoch).toBe(whole.bestEpoch);
    }
  });

  it('refuses a checkpoint of another shape', async () => {
    let checkpoint: TrainingCheckpoint | undefined;
    await trainNetwork({
      ...OPTIONS,
      epochCountMax: 1,
      onCheckpoint: (each) => (checkpoint = each),
    });
    const shape = { ...OPTIONS.shape, hidden: [{ size: 11, activation: true }] };
    const error = await failure({ shape, ...(checkpoint && { checkpoint }) });
    expect(error).toMatchObject({
      code: 'head-invalid',
      message: expect.stringContaining('0.weight'),
    });
  });

  it('stops when validation no longer improves, and returns the best weights, not the last', async () => {
    // The labels are random: memorising them makes validation worse.
    const noise = targets.map((_, row) => (row * 7919) % 2);
    const senseless = crossEntropyLoss(
      noise.map((_, row) => (((Math.imul(row + 1, 0x9e3779b1) >>> 7) & 1) === 1 ? 1 : 0)),
      noise.map(() => 1),
    );
    const kept: TrainingCheckpoint[] = [];
    const { network, history, bestEpoch } = await trainNetwork({
      ...OPTIONS,
      loss: senseless,
      patience: 3,
      onCheckpoint: (checkpoint) => kept.push(checkpoint),
    });
    expect(history.length).toBe(bestEpoch + 3);
    expect(history.length).toBeLessThan(30);
    const best = Math.min(...history.map((report) => report.validationLoss));
    expect(history[bestEpoch - 1]?.validationLoss).toBe(best);
    expect(bytesOf(network.tensors)).toBe(bytesOf(kept[bestEpoch - 1]?.current ?? {}));
    expect(bytesOf(network.tensors)).not.toBe(bytesOf(kept.at(-1)?.current ?? {}));
  });

  it('reports the validation loss of the returned network', async () => {
    const { network, history, bestEpoch } = await trainNetwork({ ...OPTIONS, epochCountMax: 5 });
    expect(await validationLoss(network)).toBeCloseTo(
      history[bestEpoch - 1]?.validationLoss ?? 0,
      6,
    );
  });

  it('counts rows by their weight', async () => {
    // Rows of weight 0 have no effect, except that they thin out the batches.
    const weights = targets.map((target) => (target === 1 ? 1 : 0));
    const { network } = await trainNetwork({
      ...OPTIONS,
      loss: crossEntropyLoss(targets, weights),
    });
    const logits = await logitsOf(network, dataset, validationRows);
    expect(Math.min(...logits)).toBeGreaterThan(2);
  });

  it('is the same if all weights are twice as large', async () => {
    const weights = targets.map(() => 2);
    const options = { ...OPTIONS, epochCountMax: 2 };
    const twice = await trainNetwork({ ...options, loss: crossEntropyLoss(targets, weights) });
    const once = await trainNetwork(options);
    expect(bytesOf(twice.network.tensors)).toBe(bytesOf(once.network.tensors));
  });

  it('adds a single row at the end of an epoch to the batch before it', async () => {
    const batchSize = rows.length - 1;
    const { history } = await trainNetwork({ ...OPTIONS, batchSize, epochCountMax: 1 });
    expect(history[0]?.trainingLoss).toBeGreaterThan(0);
  });
});

describe('a training that is refused', () => {
  it('reports a loss that becomes NaN', async () => {
    const optimiser = { ...OPTIONS.optimiser, rate: 1e30 };
    const error = await failure({ optimiser, shape: { ...OPTIONS.shape, hidden: [] } });
    expect(error).toMatchObject({ code: 'training-diverged', fields: { epoch: 1 } });
    expect(error).toMatchObject({
      message: expect.stringMatching(/loss.* (NaN|Infinity)/),
      remedy: expect.stringContaining('lower rate'),
    });
  });

  it('names the feature that is NaN', async () => {
    const features = dataset.features.slice();
    const row = rows[3] as number;
    features[row * dataset.inputSize + 2] = halfBits(Number.POSITIVE_INFINITY);
    const error = await failure({ dataset: { ...dataset, features } });
    expect(error).toMatchObject({
      ...{ code: 'training-diverged', fields: { row, unit: 2 } },
      remedy: expect.stringContaining('--no-hidden'),
    });
  });

  it('reports that there is nothing to learn from', async () => {
    const none = new Int32Array(0);
    const code = 'training-data-insufficient';
    expect(await failure({ rows: none })).toMatchObject({ code });
    expect(await failure({ validationRows: none })).toMatchObject({ code });
    const weightless = crossEntropyLoss(
      targets,
      targets.map(() => 0),
    );
    expect(await failure({ loss: weightless })).toMatchObject({ code });
  });

  it('refuses invalid sizes, and an example on both sides', async () => {
    const code = 'option-invalid';
    expect(await failure({ batchSize: 1 })).toMatchObject({ code });
    expect(await failure({ patience: 0 })).toMatchObject({ code });
    expect(await failure({ epochCountMax: 1.5 })).toMatchObject({ code });
    expect(await failure({ shape: { ...OPTIONS.shape, dropout: 1 } })).toMatchObject({ code });
    const hidden = [{ size: 0, activation: true }];
    expect(await failure({ shape: { ...OPTIONS.shape, hidden } })).toMatchObject({ code });
    expect(await failure({ validationRows: rows })).toMatchObject({ name: 'InvariantError' });
  });
});

describe('beside a training', () => {
  it('the event loop keeps turning, and an abort takes effect before the epoch ends', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let [turns, epochs] = [0, 0];
    const timer = setInterval(() => {
      turns += 1;
      if (turns === 3) controller.abort(reason);
    }, 1);
    const large = madeUpTraining(20_000, 16);
    const shape = { ...large.shape, hidden: [{ size: 256, activation: true }] };
    const training = trainNetwork({
      ...large,
      shape,
      signal: controller.signal,
      onEpoch: () => {
        epochs += 1;
      },
    });
    await expect(training).rejects.toMatchObject({ code: 'aborted', cause: reason });
    clearInterval(timer);
    expect(turns).toBe(3);
    expect(epochs).toBe(0);
  });

  it('another training runs without disturbing it', async () => {
    const options = { ...OPTIONS, epochCountMax: 2 };
    const alone = await trainNetwork(options);
    const others = await Promise.all([
      trainNetwork(options),
      trainNetwork({ ...options, seed: 3 }),
      trainNetwork(options),
    ]);
    expect(bytesOf(others[0].network.tensors)).toBe(bytesOf(alone.network.tensors));
    expect(bytesOf(others[2].network.tensors)).toBe(bytesOf(alone.network.tensors));
  });
});
