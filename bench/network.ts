/**
 * Measures the networks of heads: the cost of a training epoch and of one logit, through the kernel and
 * in the plain loops. No model is used; rows are made up.
 *
 *   npm run --silent bench:network -- [--rows N] [--plain-rows N] [--repeats N] [--paper] [--json]
 */
import { Command } from 'commander';
import { toHalf } from '../src/core/half.ts';
import { noiseKey, noiseUniform } from '../src/core/noise.ts';
import { DEFAULT_OPTIMISER } from '../src/network/adamw.ts';
import { type Dataset, splitByGroup } from '../src/network/dataset.ts';
import { foldNetwork } from '../src/network/fold-network.ts';
import { fastMultiply } from '../src/network/kernel/kernel-multiply.ts';
import { crossEntropyLoss } from '../src/network/loss.ts';
import { type Multiply, plainMultiply } from '../src/network/matrix.ts';
import { citerPaperShape, type NetworkShape, routerShape } from '../src/network/network-shape.ts';
import { plainLogit } from '../src/network/plain-logit.ts';
import { trainNetwork } from '../src/network/train-network.ts';
import type { TrainedNetwork } from '../src/network/trained-network.ts';

const BATCH_SIZE = 256;
const ROWS_PER_GROUP = 50;
const VALIDATION_SHARE = 0.02;
const LOGITS_PER_TIME = 200;
const PLAIN_LOGITS_PER_TIME = 20;

interface Settings {
  readonly rows: string;
  readonly plainRows: string;
  readonly repeats: string;
  readonly paper?: boolean;
  readonly json?: boolean;
}

interface Result {
  readonly network: string;
  /** Training rows per second, in the fastest epoch. The time includes validation. */
  readonly rowsPerSecond: number;
  readonly epochSeconds: number;
  /** Processor time of the cheapest epoch, the better figure on a busy machine. */
  readonly epochCpuSeconds: number;
  readonly plainRowsPerSecond: number;
  /** The longest time for which the event loop did not turn. */
  readonly heldMs: number;
  /** The fastest of the repeats. */
  readonly logitUs: number;
  readonly plainLogitUs: number;
}

const settings = new Command()
  .option('--rows <N>', 'rows of the data set', '50000')
  .option('--plain-rows <N>', 'rows for the plain loops', '1000')
  .option('--repeats <N>', 'epochs, and times of a logit', '5')
  .option('--paper', "the paper's network too, on a twentieth of the rows")
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const rowCount = Number(settings.rows);
const repeats = Number(settings.repeats);
const results: Result[] = [
  await measured('896 → 256 → 1', routerShape(896), rowCount),
  await measured('64 → 64 → 1', routerShape(64, 64), rowCount),
];
if (settings.paper === true) {
  const shape = citerPaperShape(896);
  results.push(await measured('896 → 1792 → 896 → 1', shape, Math.ceil(rowCount / 20)));
}
process.stdout.write(settings.json === true ? `${JSON.stringify(results)}\n` : table());

async function measured(network: string, shape: NetworkShape, rows: number): Promise<Result> {
  const fast = await epochs(shape, rows, repeats, fastMultiply());
  const plain = await epochs(shape, Number(settings.plainRows), 1, plainMultiply);
  return {
    network,
    rowsPerSecond: fast.rowsPerSecond,
    epochSeconds: rows / fast.rowsPerSecond,
    epochCpuSeconds: fast.cpuSeconds,
    plainRowsPerSecond: plain.rowsPerSecond,
    heldMs: fast.heldMs,
    ...logitTimes(fast.network),
  };
}

interface Epochs {
  readonly network: TrainedNetwork;
  readonly rowsPerSecond: number;
  readonly cpuSeconds: number;
  readonly heldMs: number;
}

async function epochs(
  shape: NetworkShape,
  rows: number,
  epochCountMax: number,
  multiply: Multiply,
): Promise<Epochs> {
  const { dataset, targets } = madeUp(rows, shape.inputSize);
  const split = splitByGroup(dataset.groups, VALIDATION_SHARE, 1);
  const loop = watchEventLoop();
  let last = performance.now();
  let lastCpu = process.cpuUsage();
  const times: number[] = [];
  const cpuTimes: number[] = [];
  const { network } = await trainNetwork({
    dataset,
    rows: split.training,
    validationRows: split.validation,
    shape,
    loss: crossEntropyLoss(targets, new Float32Array(rows).fill(1)),
    optimiser: DEFAULT_OPTIMISER,
    batchSize: BATCH_SIZE,
    epochCountMax,
    patience: epochCountMax,
    seed: 1,
    multiply,
    onEpoch: () => {
      times.push(performance.now() - last);
      last = performance.now();
      const { user, system } = process.cpuUsage(lastCpu);
      cpuTimes.push((user + system) / 1e6);
      lastCpu = process.cpuUsage();
    },
  });
  const seconds = Math.min(...times) / 1000;
  const rowsPerSecond = split.training.length / seconds;
  return { network, rowsPerSecond, cpuSeconds: Math.min(...cpuTimes), heldMs: loop.stop() };
}

/** Rows whose label mostly depends on the first features. */
function madeUp(rows: number, inputSize: number): { dataset: Dataset; targets: Float32Array } {
  const key = noiseKey(1, 0, 'coin');
  const values = Float32Array.from(
    { length: rows * inputSize },
    (_, at) => noiseUniform(key, at) - 0.5,
  );
  const targets = Float32Array.from({ length: rows }, (_, row) => {
    const [a = 0, b = 0] = values.subarray(row * inputSize);
    return Number(a + b > 0);
  });
  const groups = Int32Array.from({ length: rows }, (_, row) => Math.floor(row / ROWS_PER_GROUP));
  return { dataset: { rowCount: rows, inputSize, features: toHalf(values), groups }, targets };
}

function watchEventLoop(): { stop(): number } {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  return {
    stop() {
      clearInterval(timer);
      return longest;
    },
  };
}

function logitTimes(network: TrainedNetwork): Pick<Result, 'logitUs' | 'plainLogitUs'> {
  const folded = foldNetwork(network);
  const plain = plainLogit(folded.layers);
  const input = new Float32Array(folded.inputSize).fill(0.25);
  const [fastTimes, plainTimes]: [number[], number[]] = [[], []];
  for (let repeat = -2; repeat < 20 * repeats; repeat += 1) {
    const fastUs = usOf(() => folded.logit(input), LOGITS_PER_TIME);
    const plainUs = usOf(() => plain(input), PLAIN_LOGITS_PER_TIME);
    // The first epochs compile.
    if (repeat < 0) continue;
    fastTimes.push(fastUs);
    plainTimes.push(plainUs);
  }
  return { logitUs: Math.min(...fastTimes), plainLogitUs: Math.min(...plainTimes) };
}

function usOf(work: () => number, count: number): number {
  const started = performance.now();
  for (let index = 0; index < count; index += 1) work();
  return ((performance.now() - started) * 1000) / count;
}

function table(): string {
  const line = (cells: readonly string[]): string =>
    `${cells.map((cell, index) => (index === 0 ? cell.padEnd(22) : cell.padStart(12))).join('')}\n`;
  return [
    line([
      '',
      'rows/s',
      'epoch s',
      'held ms',
      'plain rows/s',
      'ratio',
      'logit µs',
      'plain',
      'ratio',
    ]),
    ...results.map((result) =>
      line([
        result.network,
        result.rowsPerSecond.toFixed(0),
        result.epochSeconds.toFixed(2),
        result.epochCpuSeconds.toFixed(2),
        result.heldMs.toFixed(1),
        result.plainRowsPerSecond.toFixed(0),
        (result.rowsPerSecond / result.plainRowsPerSecond).toFixed(1),
        result.logitUs.toFixed(2),
        result.plainLogitUs.toFixed(2),
        (result.plainLogitUs / result.logitUs).toFixed(1),
      ]),
    ),
  ].join('');
}
