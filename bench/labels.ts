/**
 * Labels and routers: the speed at which trajectories are traced (both models, teacher-forced, with all
 * data that labels are made from) against bare forwards with the same outputs, in turns; and the time
 * that a router adds to a step of the small model.
 *
 *   npm run --silent bench:labels -- [--small NAME] [--large NAME] [--examples N] [--repeats N] [--json]
 */
import { Command } from 'commander';
import { ensureModel } from '../src/catalog/ensure-model.ts';
import { seededDraws } from '../src/core/draws.ts';
import { toHalf } from '../src/core/half.ts';
import { noiseKey, noiseUniform } from '../src/core/noise.ts';
import type { RowProgram, RowResult } from '../src/core/row-program.ts';
import { GREEDY } from '../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../src/core/token-id.ts';
import type { GateContext } from '../src/judging/gate.ts';
import { type StateFeatures, stateFeatureSize } from '../src/judging/router-features.ts';
import { routerGate } from '../src/judging/router-gate.ts';
import { loadModel } from '../src/model/llama-cpp/model.ts';
import type { LanguageModel } from '../src/model/roles.ts';
import { DEFAULT_OPTIMISER } from '../src/network/adamw.ts';
import { foldNetwork } from '../src/network/fold-network.ts';
import { crossEntropyLoss } from '../src/network/loss.ts';
import { routerShape } from '../src/network/network-shape.ts';
import { trainNetwork } from '../src/network/train-network.ts';
import { runRowProgram } from '../src/sampling/run-row-program.ts';
import { runJobs } from '../src/training/rollouts/run-jobs.ts';
import { READ_FEATURES } from '../src/training/rounds/train-router.ts';
import { ForkPoint } from '../src/training/traces/fork-point.ts';
import { traceTrajectory } from '../src/training/traces/trace-trajectory.ts';
import { TrainingPair } from '../src/training/training-pair.ts';

interface Settings {
  readonly small: string;
  readonly large: string;
  readonly examples: string;
  readonly promptTokens: string;
  readonly tokens: string;
  readonly repeats: string;
  readonly threads: string;
  readonly json?: boolean;
}

const settings = new Command()
  .option('--small <NAME>', 'the small model', 'qwen2.5-coder-0.5b-instruct')
  .option('--large <NAME>', 'the large model', 'qwen2.5-coder-1.5b-instruct')
  .option('--examples <N>', 'trajectories in each turn', '4')
  .option('--prompt-tokens <N>', 'tokens of a prompt', '80')
  .option('--tokens <N>', 'tokens of an answer', '120')
  .option('--repeats <N>', 'turns of each way', '5')
  .option('--threads <N>', 'threads for computing', '2')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

/** The same as for labels: one trajectory after the other. */
const SIDE_BY_SIDE = 1;
const STEP_COUNT = 64;
const SCORES_PER_TIME = 500;
const ROW_TIMES = 200;
/** The spread of made-up logits, which are logistically distributed. */
const LOGIT_SPREAD = 2;

async function open(name: string): Promise<LanguageModel> {
  const { path } = await ensureModel(name, {});
  return await loadModel(path, {
    name,
    threadCount: Number(settings.threads),
    cellCount: 8192,
    contextLength: 512,
  });
}

const small = await open(settings.small);
const large = await open(settings.large);
const vocabularySize = Math.min(small.vocabulary.size, large.vocabulary.size);
const pair = new TrainingPair({ small, large });

interface Text {
  readonly prompt: readonly TokenId[];
  readonly tokens: readonly TokenId[];
}

/** Any tokens serve, because all forwards cost the same. */
function text(example: number): Text {
  const draw = (count: number, from: number): readonly TokenId[] =>
    tokenIds(
      Array.from({ length: count }, (_, index) => {
        const uniform = noiseUniform(noiseKey(example, from + index, 'sample'));
        return Math.floor(uniform * Math.min(vocabularySize, 500));
      }),
    );
  return {
    prompt: draw(Number(settings.promptTokens), 0),
    tokens: draw(Number(settings.tokens), 1e6),
  };
}

const texts = Array.from({ length: Number(settings.examples) }, (_, example) => text(example));

async function readBare({ prompt, tokens }: Text): Promise<void> {
  const program: RowProgram = { vocabularySize, sampling: GREEDY, seed: 0, purpose: 'sample' };
  const text = [...prompt, ...tokens.slice(0, -1)];
  const outputFrom = prompt.length - 1;
  for (const [model, hidden] of [
    [small, true],
    [large, false],
  ] as const) {
    await using sequence = model.openSequence();
    while (sequence.length < text.length) {
      const from = sequence.length;
      // A forward has outputs or none: rows without them are cheaper.
      const hasOutputs = from >= outputFrom;
      const end = Math.min(hasOutputs ? text.length : outputFrom, from + model.facts.rowCountMax);
      const fed = text.slice(from, end);
      const request = { tokens: fed, outputFrom: hasOutputs ? 0 : fed.length };
      await sequence.forward({ ...request, program: { ...program, hidden } });
    }
  }
}

async function readLabelled(one: Text, signal: AbortSignal): Promise<void> {
  await using forkPoint = new ForkPoint(pair, one, signal);
  await traceTrajectory(one, { pair, forkPoint, features: READ_FEATURES });
}

async function timed(read: (one: Text, signal: AbortSignal) => Promise<void>): Promise<number> {
  const started = performance.now();
  await runJobs(texts, SIDE_BY_SIDE, read);
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (
    ((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) +
      (sorted[Math.floor(sorted.length / 2)] ?? 0)) /
    2
  );
}

async function labelRatios(): Promise<{
  readonly ratios: number[];
  readonly tokensPerSecond: number;
}> {
  await timed(readBare);
  await timed(readLabelled);
  const ratios: number[] = [];
  let fastest = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < Number(settings.repeats); repeat += 1) {
    const first = repeat % 2 === 0 ? readBare : readLabelled;
    const one = await timed(first);
    const other = await timed(first === readBare ? readLabelled : readBare);
    const [bare, labelled] = first === readBare ? [one, other] : [other, one];
    ratios.push(bare / labelled);
    fastest = Math.min(fastest, labelled);
  }
  const tokenCount = texts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  return { ratios, tokensPerSecond: (1000 * tokenCount) / fastest };
}

interface RouterCost {
  /** Milliseconds of a step of the small model, without a router. */
  readonly stepMs: number;
  /** Milliseconds of the network, on its features. */
  readonly scoreMs: number;
  /** Milliseconds to find the router's log-probabilities in a row of logits. */
  readonly rowMs: number;
}

const PROGRAM: RowProgram = { vocabularySize, sampling: GREEDY, seed: 0, purpose: 'draft' };

/** One-row forwards with the router's features, and the gate's work on such a row. */
async function routerCost(features: StateFeatures): Promise<RouterCost> {
  const { topLogprobs } = features;
  const program = { ...PROGRAM, ...features };
  await using sequence = small.openSequence();
  const [one] = texts;
  let row: RowResult | undefined;
  const steps: number[] = [];
  for (let step = 0; step < STEP_COUNT; step += 1) {
    const tokens = [one?.tokens[step % one.tokens.length] ?? tokenIds([1])[0]].flatMap(
      (id) => id ?? [],
    );
    const forward = await sequence.forward({ tokens, outputFrom: 0, program });
    steps.push(forward.computeMs);
    row = forward.rows[0];
  }
  const gate = await untrainedGate(features);
  const scores: number[] = [];
  for (let time = 0; time < 2 * Number(settings.repeats); time += 1) {
    const started = performance.now();
    for (let count = 0; count < SCORES_PER_TIME; count += 1) {
      if (row !== undefined) gate.score(row, 0, CONTEXT);
    }
    scores.push((performance.now() - started) / SCORES_PER_TIME);
  }
  const rowMs = topLogprobs === 0 ? 0 : timeOfRow(program) - timeOfRow(PROGRAM);
  return { stepMs: median(steps), scoreMs: Math.min(...scores), rowMs };
}

/** The least of several times, on logits of the vocabulary's size. */
function timeOfRow(program: RowProgram): number {
  const logits = Float32Array.from({ length: vocabularySize }, (_, id) => {
    const uniform = noiseUniform(noiseKey(id, 0, 'sample'));
    return LOGIT_SPREAD * Math.log(uniform / (1 - uniform));
  });
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < ROW_TIMES; time += 1) {
    const started = performance.now();
    runRowProgram(logits, program, 1);
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

const CONTEXT: GateContext = { draws: seededDraws(0), tokenBytes: () => new Uint8Array() };

/** A gate of the default size. The learned values do not matter here. */
async function untrainedGate(features: StateFeatures) {
  const { hiddenSize } = small.facts;
  const inputSize = stateFeatureSize(features, hiddenSize);
  const rowCount = 64;
  const numbers = Float32Array.from({ length: rowCount * inputSize }, (_, index) =>
    noiseUniform(noiseKey(3, index, 'sample')),
  );
  const rows = Int32Array.from({ length: rowCount }, (_, row) => row);
  const { network } = await trainNetwork({
    dataset: { rowCount, inputSize, features: toHalf(numbers), groups: rows },
    ...{
      rows: rows.subarray(0, 48),
      validationRows: rows.subarray(48),
      shape: routerShape(inputSize),
    },
    loss: crossEntropyLoss(
      Float32Array.from(rows, (row) => row % 2),
      new Float32Array(rowCount).fill(1),
    ),
    ...{ optimiser: DEFAULT_OPTIMISER, batchSize: 16, epochCountMax: 1, patience: 1, seed: 1 },
  });
  const bound = { name: 'any', digest: 'any' };
  return routerGate({
    ...{ strategy: 'citer', pair: { small: bound, large: bound }, hiddenSize, temperature: 1 },
    ...{
      features: { ...features, tokenEmbedding: false },
      calibration: null,
      defaultThreshold: 0.5,
    },
    ...{ reliability: [], training: {}, digest: 'any', trainedOn: new Set<number>() },
    calibratedOn: new Set<number>(),
    network: foldNetwork(network),
  });
}

const labels = await labelRatios();
const routers = {
  'the hidden state': await routerCost({ hidden: true, topLogprobs: 0 }),
  '32 log-probabilities': await routerCost({ hidden: false, topLogprobs: 32 }),
};
const result = {
  pair: [settings.small, settings.large],
  labelThroughputRatio: median(labels.ratios),
  labelThroughputRatios: labels.ratios,
  labelledTokensPerSecond: labels.tokensPerSecond,
  routers: Object.entries(routers).map(([looksAt, cost]) => ({
    ...{ looksAt, ...cost, shareOfStep: (cost.scoreMs + cost.rowMs) / cost.stepMs },
  })),
};
if (settings.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
else {
  const range = [Math.min(...labels.ratios), Math.max(...labels.ratios)].map((one) =>
    one.toFixed(2),
  );
  process.stdout.write(
    `${settings.small} and ${settings.large}\n` +
      `labels against bare forwards with the same outputs: ${result.labelThroughputRatio.toFixed(3)} ` +
      `(${range.join(' to ')}), ${labels.tokensPerSecond.toFixed(0)} tokens/s through both models\n`,
  );
  for (const { looksAt, scoreMs, rowMs, stepMs, shareOfStep } of result.routers) {
    process.stdout.write(
      `a router that looks at ${looksAt}: score ${(1000 * scoreMs).toFixed(1)} µs, ` +
        `finding what it looks at ${(1000 * rowMs).toFixed(1)} µs, together ` +
        `${(100 * shareOfStep).toFixed(2)} % of a step of ${stepMs.toFixed(2)} ms\n`,
    );
  }
}
await small[Symbol.asyncDispose]();
await large[Symbol.asyncDispose]();
