/**
 * Compares the plain loops of row programs with the kernel: the cost of one row, and the time for which
 * sixteen rows hold the event loop when they are read in slices, as in the executor. Paired and
 * interleaved in one process.
 *
 *   npm run --silent bench:rows -- [--model NAME] [--repeats N] [--json]
 */
import { Command } from 'commander';
import { drawByWeight, plainDrawByWeight } from '../src/core/draw-by-weight.ts';
import { noiseKey } from '../src/core/noise.ts';
import type { RowProgram } from '../src/core/row-program.ts';
import { type SamplingParams, samplingParams } from '../src/core/sampling-params.ts';
import { openRow } from '../src/sampling/open-row.ts';
import { PlainRow } from '../src/sampling/plain-row.ts';
import { residualWeights } from '../src/sampling/residual.ts';
import { runRowProgram } from '../src/sampling/run-row-program.ts';
import { logitRows } from './logit-rows.ts';

const ROW_COUNT = 16;
/** The same as in the executor. */
const READ_SLICE_MS = 6;
const MASKED_SHARE = 0.99;

interface Settings {
  readonly model: string;
  readonly repeats: string;
  readonly json?: boolean;
}

/** The two ways through a row, by the row's index. Their results are kept alive, like real ones. */
interface Kind {
  readonly name: string;
  readonly plain: (row: number) => unknown;
  readonly fast: (row: number) => unknown;
}

interface Times {
  readonly medianMs: number;
  readonly minMs: number;
  /**
   * Sixteen rows in slices: the longest time for which the event loop did not turn, in the best repeat.
   */
  readonly heldMinMs: number;
  /**
   * The same in the median and worst repeat. On a busy machine it is mostly the time of other processes.
   */
  readonly heldMs: number;
  readonly heldMaxMs: number;
}

interface Result {
  readonly program: string;
  readonly plain: Times;
  readonly fast: Times;
  /** Median of the paired ratios, plain / fast. */
  readonly speedup: number;
}

const settings = new Command()
  .option('--model <NAME>', 'the model of the rows', 'qwen2.5-coder-0.5b-instruct')
  .option('--repeats <N>', 'passes over the sixteen rows', '20')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const { source, rows } = await logitRows(settings.model, ROW_COUNT);
const rowAt = (index: number): Float32Array => rows[index % ROW_COUNT] as Float32Array;
const vocabularySize = rowAt(0).length;

/** The part of a row that a grammar allows: one token in a hundred. */
const maskedRows = rows.map((row, index) =>
  row.map((logit, id) => ((id * 7919 + index) % 1000 < 1000 * MASKED_SHARE ? -Infinity : logit)),
);

const SAMPLED = { temperature: 1 };
const distributions = rows.map((row) =>
  new PlainRow(row, vocabularySize).distribution(samplingParams(SAMPLED)),
);
const distributionAt = (index: number): Float64Array =>
  distributions[index % ROW_COUNT] as Float64Array;

const KINDS: readonly Kind[] = [
  programKind('greedy', {}),
  programKind('greedy, log-probability', {}, { logprob: true }),
  programKind('greedy, uncertainty', {}, { uncertainty: true }),
  programKind('temperature 1', SAMPLED),
  programKind('temperature 0.6', { temperature: 0.6 }),
  programKind('temperature 1, uncertainty', SAMPLED, { uncertainty: true }),
  programKind('temperature 1, perturbation', SAMPLED, { perturbation: true }),
  programKind('top-k 40, top-p 0.95, 0.8', { topK: 40, topP: 0.95, temperature: 0.8 }),
  programKind('top-p 0.95', { topP: 0.95, temperature: 1 }),
  programKind('min-p 0.05', { minP: 0.05, temperature: 1 }),
  programKind('temperature 1, masked', SAMPLED, {}, maskedRows),
  programKind('top-k 40, distribution', { topK: 40, temperature: 1 }, { distribution: true }),
  programKind('distribution', SAMPLED, { distribution: true }),
  residualKind(),
];

const results: Result[] = [];
for (const kind of KINDS) results.push(await measured(kind));
const report = { source, vocabularySize, rowCount: ROW_COUNT, results };
process.stdout.write(settings.json === true ? `${JSON.stringify(report)}\n` : table());

function programKind(
  name: string,
  sampling: Partial<SamplingParams>,
  wants: Partial<RowProgram> = {},
  from: readonly Float32Array[] = rows,
): Kind {
  const program: RowProgram = {
    vocabularySize,
    sampling: samplingParams(sampling),
    seed: 1,
    purpose: 'sample',
    ...wants,
  };
  const logits = (row: number): Float32Array => from[row % ROW_COUNT] as Float32Array;
  const plainRow = (values: Float32Array, size: number): PlainRow => new PlainRow(values, size);
  return {
    name,
    plain: (row) => runRowProgram(logits(row), program, row, plainRow),
    fast: (row) => runRowProgram(logits(row), program, row, openRow),
  };
}

/**
 * The residual after a rejected draft. Target and draft are neighbouring rows, thus unlike each other.
 */
function residualKind(): Kind {
  const weights = (row: number): Float64Array =>
    residualWeights(distributionAt(row), distributionAt(row + 1));
  return {
    name: 'residual draw',
    plain: (row) => plainDrawByWeight(weights(row), noiseKey(1, row, 'residual')),
    fast: (row) => drawByWeight(weights(row), noiseKey(1, row, 'residual')),
  };
}

async function measured({ name, plain, fast }: Kind): Promise<Result> {
  const times = { plain: [] as number[], fast: [] as number[] };
  const held = { plain: [] as number[], fast: [] as number[] };
  for (let repeat = -2; repeat < Number(settings.repeats); repeat += 1) {
    for (let row = 0; row < ROW_COUNT; row += 1) {
      const index = row + ROW_COUNT * Math.max(0, repeat);
      const plainMs = msOf(() => plain(index));
      const fastMs = msOf(() => fast(index));
      // The first passes compile.
      if (repeat < 0) continue;
      times.plain.push(plainMs);
      times.fast.push(fastMs);
    }
    const [plainHeld, fastHeld] = [await heldMs(plain), await heldMs(fast)];
    if (repeat < 0) continue;
    held.plain.push(plainHeld);
    held.fast.push(fastHeld);
  }
  return {
    program: name,
    plain: timesOf(times.plain, held.plain),
    fast: timesOf(times.fast, held.fast),
    speedup: median(times.plain.map((ms, index) => ms / (times.fast[index] as number))),
  };
}

function msOf(work: () => unknown): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

/** Reads sixteen rows as the executor does. All results stay alive until the last is there. */
async function heldMs(work: (row: number) => unknown): Promise<number> {
  const kept: unknown[] = [];
  let longest = 0;
  let sliceStarted = performance.now();
  for (let row = 0; row < ROW_COUNT; row += 1) {
    kept.push(work(row));
    const sliceMs = performance.now() - sliceStarted;
    longest = Math.max(longest, sliceMs);
    if (sliceMs < READ_SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sliceStarted = performance.now();
  }
  return kept.length === ROW_COUNT ? longest : Number.NaN;
}

function timesOf(ms: readonly number[], held: readonly number[]): Times {
  return {
    medianMs: median(ms),
    minMs: Math.min(...ms),
    heldMinMs: Math.min(...held),
    heldMs: median(held),
    heldMaxMs: Math.max(...held),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function table(): string {
  const line = (first: string, cells: readonly string[]): string =>
    `${first.padEnd(28)}${cells.map((cell) => cell.padStart(9)).join('')}\n`;
  const ms = ({ medianMs, minMs, heldMinMs, heldMs }: Times): string[] => [
    medianMs.toFixed(3),
    minMs.toFixed(3),
    heldMinMs.toFixed(1),
    heldMs.toFixed(1),
  ];
  return [
    `${source}, ${vocabularySize} tokens; milliseconds a row, and held by ${ROW_COUNT} rows\n`,
    line('', ['plain', 'min', 'held', 'median', 'kernel', 'min', 'held', 'median', 'ratio']),
    ...results.map(({ program, plain, fast, speedup }) =>
      line(program, [...ms(plain), ...ms(fast), speedup.toFixed(1)]),
    ),
  ].join('');
}
