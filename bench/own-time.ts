/**
 * Measures the engine's own time per token, outside of native batches, by strategy. One request runs at
 * a time; the strategies take turns. On a busy machine the smallest figure counts.
 *
 *   npm run --silent bench:own-time -- [--small NAME] [--large NAME] [--tokens N] [--repeats N]
 *     [--threads N] [--json]
 */
import { Command } from 'commander';
import { findModel } from '../src/catalog/ensure-model.ts';
import { required } from '../src/core/invariant.ts';
import type { SamplingParams } from '../src/core/sampling-params.ts';
import { Engine } from '../src/engine/engine.ts';
import { type LlamaCppModel, loadModel } from '../src/model/llama-cpp/model.ts';
import type { SpeculativeOptions } from '../src/strategy/strategy-options.ts';

/** Greedy models continue to count, so that answers have their full length. */
const PROMPT = 'Counting up: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,';
const CONTEXT_LENGTH = 2048;

interface Settings {
  readonly small: string;
  readonly large: string;
  readonly tokens: string;
  readonly repeats: string;
  readonly threads: string;
  readonly json?: boolean;
}

/** The times of one answer, in milliseconds a token. */
interface Sample {
  readonly tokenCount: number;
  /** The time from the call to the summary. */
  readonly elapsedMs: number;
  readonly nativeMs: number;
  /** The time of row programs. */
  readonly rowsMs: number;
  /** The remaining time. */
  readonly restMs: number;
}

interface Case {
  readonly name: string;
  readonly strategy: string;
  readonly speculative?: SpeculativeOptions;
}

const CASES: readonly Case[] = [
  ...['small', 'large', 'entropy', 'margin', 'random@0.3'].map((name) => ({
    name,
    strategy: name,
  })),
  {
    name: 'prompt lookup, 3',
    strategy: 'speculative',
    speculative: { proposer: 'prompt-lookup', draftLength: 3 },
  },
  {
    name: 'small drafts 3',
    strategy: 'speculative',
    speculative: { proposer: 'small', draftLength: 3 },
  },
];

const SAMPLINGS: Readonly<Record<string, Partial<SamplingParams>>> = {
  greedy: {},
  'temperature 0.8': { temperature: 0.8 },
};

const settings = new Command()
  .option('--small <NAME>', 'small model', 'qwen2.5-coder-0.5b-instruct')
  .option(
    '--large <NAME>',
    'large model; may be the small model again',
    'qwen2.5-coder-0.5b-instruct',
  )
  .option('--tokens <N>', 'tokens of an answer', '48')
  .option('--repeats <N>', 'answers of each kind', '3')
  .option('--threads <N>', 'threads of a model; one shares a busy machine best', '1')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const small = await load(settings.small);
const large = await load(settings.large);
const runs = CASES.flatMap((given) =>
  Object.entries(SAMPLINGS).map(([sampling, params]) => ({
    name: `${given.name}, ${sampling}`,
    engine: new Engine({
      models: { small, large },
      ...(given.speculative === undefined ? {} : { speculative: given.speculative }),
    }),
    strategy: given.strategy,
    params,
    samples: [] as Sample[],
  })),
);
for (let repeat = -1; repeat < Number(settings.repeats); repeat += 1) {
  for (const run of runs) {
    const sample = await answer(run.engine, run.strategy, run.params);
    // The first answers compile, and read prompts.
    if (repeat >= 0) run.samples.push(sample);
  }
}
await small[Symbol.asyncDispose]();
await large[Symbol.asyncDispose]();

const results = runs.map(({ name, samples }) => ({
  name,
  tokenCount: required(samples[0], 'one answer').tokenCount,
  ...smallest(samples),
}));
const { small: smallName, large: largeName } = settings;
const report = { small: smallName, large: largeName, results };
process.stdout.write(settings.json === true ? `${JSON.stringify(report)}\n` : table());

async function load(name: string): Promise<LlamaCppModel> {
  const { path } = required(await findModel(name), `${name} is on this machine`);
  const threadCount = Number(settings.threads);
  return await loadModel(path, { name, contextLength: CONTEXT_LENGTH, threadCount });
}

async function answer(
  engine: Engine,
  strategy: string,
  sampling: Partial<SamplingParams>,
): Promise<Sample> {
  const nativeBefore = small.nativeMs + large.nativeMs;
  const started = performance.now();
  let tokenCount = 0;
  let computeMs = 0;
  const request = { prompt: PROMPT, strategy, maxTokens: Number(settings.tokens), sampling };
  for await (const event of engine.generate(request)) {
    if (event.type === 'token') tokenCount += 1;
    if (event.type === 'work') computeMs += event.computeMs;
  }
  const elapsedMs = performance.now() - started;
  const nativeMs = small.nativeMs + large.nativeMs - nativeBefore;
  return {
    tokenCount,
    elapsedMs: elapsedMs / tokenCount,
    nativeMs: nativeMs / tokenCount,
    // The part of the compute time that is not in native batches.
    rowsMs: (computeMs - nativeMs) / tokenCount,
    restMs: (elapsedMs - computeMs) / tokenCount,
  };
}

/** Each figure's smallest value. */
function smallest(samples: readonly Sample[]): Omit<Sample, 'tokenCount'> {
  const of = (pick: (sample: Sample) => number): number => Math.min(...samples.map(pick));
  return {
    elapsedMs: of((sample) => sample.elapsedMs),
    nativeMs: of((sample) => sample.nativeMs),
    rowsMs: of((sample) => sample.rowsMs),
    restMs: of((sample) => sample.restMs),
  };
}

function table(): string {
  const line = (first: string, cells: readonly string[]): string =>
    `${first.padEnd(34)}${cells.map((cell) => cell.padStart(9)).join('')}\n`;
  return [
    `${smallName} and ${largeName}; milliseconds a token, the smallest of the repeats\n`,
    line('', ['all', 'native', 'rows', 'rest', 'tokens']),
    ...results.map(({ name, elapsedMs, nativeMs, rowsMs, restMs, tokenCount }) =>
      line(name, [
        ...[elapsedMs, nativeMs, rowsMs, restMs].map((ms) => ms.toFixed(3)),
        String(tokenCount),
      ]),
    ),
  ].join('');
}
