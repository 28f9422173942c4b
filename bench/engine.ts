/**
 * Compares the engine with the bare loop over the same native library: the cost of everything around the
 * decodes, and the delay of the event loop. Pairs run in turns in one process.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Command, Option } from 'commander';
import { Engine } from '../src/engine/engine.ts';
import type { GenerateRequest } from '../src/engine/request.ts';
import type { LlamaCppModel } from '../src/model/llama-cpp/model.ts';
import { MachineWatch } from './report/machine-watch.ts';
import { type PairedRatio, pairedRatio } from './report/paired-statistics.ts';
import { progress, publish, ratioText, yesNo } from './report/report.ts';
import { CountingPrompts } from './workload/counting-prompt.ts';
import { runEngineLoad } from './workload/engine-load.ts';
import { LARGE_DEFAULT, loadFromCatalog, SMALL_DEFAULT } from './workload/load-model.ts';
import { count, counts } from './workload/options.ts';
import { type LoadTimes, loadTimes, medianTimes } from './workload/stream-times.ts';
import { BareLoop } from './yardsticks/bare-loop.ts';

const SINGLE_STREAM_RATIO_MIN = 0.97;
const BATCHED_RATIO_MIN = 0.95;
const LOOP_DELAY_P99_MAX_MS = 20;

/** The settings of requests, which determine the work on the event loop between two forwards. */
const PROGRAMS: Readonly<Record<string, Pick<GenerateRequest, 'strategy' | 'sampling'>>> = {
  greedy: { strategy: 'large' },
  sampled: { strategy: 'large', sampling: { temperature: 0.8, topP: 0.95 } },
  entropy: { strategy: 'entropy' },
};

interface Options {
  readonly model: string;
  readonly small: string;
  readonly program: keyof typeof PROGRAMS;
  readonly widths: number[];
  readonly tokens: number;
  readonly promptTokens: number;
  readonly repeats: number;
  readonly rows: number;
  readonly context: number;
  readonly keepPrefixes?: boolean;
  readonly threads?: number;
  readonly json?: boolean;
}

interface Result {
  readonly width: number;
  readonly bare: LoadTimes | null;
  readonly engine: LoadTimes;
  /** Engine / bare by tokens per second, from the first prefill to the last token. */
  readonly ratio: PairedRatio | null;
  /** The same ratio while all streams are writing. */
  readonly steadyRatio: PairedRatio | null;
  readonly ratioMin: number;
  readonly ratioMet: boolean | null;
  readonly eventLoopDelayP99Ms: number;
  readonly eventLoopDelayMet: boolean;
}

interface Bench {
  readonly options: Options;
  readonly engine: Engine;
  /** Null where the loop does not do the same work, that is for a pair of models. */
  readonly bare: BareLoop | null;
  readonly prompts: CountingPrompts;
  readonly tokenize: (text: string) => readonly number[];
}

export function engineCommand(): Command {
  return new Command('engine')
    .description('the engine against the bare loop; event-loop delay')
    .option('--model <NAME>', 'the large model', LARGE_DEFAULT)
    .option('--small <NAME>', 'the small model of --program entropy', SMALL_DEFAULT)
    .addOption(
      new Option('--program <NAME>', 'the settings of requests')
        .choices(Object.keys(PROGRAMS))
        .default('greedy'),
    )
    .option('--widths <LIST>', 'streams at once', counts, [1, 4, 8, 16])
    .option('--tokens <N>', 'tokens per stream', count, 48)
    .option('--prompt-tokens <N>', 'tokens of a prompt, about', count, 48)
    .option('--repeats <N>', 'pairs per width', count, 6)
    .option('--rows <N>', 'most rows of a forward', count, 256)
    .option('--context <N>', 'tokens of the KV cache', count, 4096)
    .option('--keep-prefixes', 'let requests leave their prefixes in the KV cache')
    .option('--threads <N>', 'threads of a model', count)
    .option('--json', 'print results as JSON')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const shape = {
    contextLength: options.context,
    rowCountMax: options.rows,
    sequenceCountMax: Math.max(...options.widths),
    ...(options.threads === undefined ? {} : { threadCount: options.threads }),
  };
  const pair = options.program === 'entropy';
  const large = await loadFromCatalog(options.model, shape);
  const small = pair ? await loadFromCatalog(options.small, shape) : null;
  await using engine = new Engine({ models: { small: small?.model ?? null, large: large.model } });
  const tokenize = (text: string): readonly number[] => large.model.vocabulary.tokenize(text);
  const prompts = new CountingPrompts(tokenize, options.promptTokens);
  const bare = pair ? null : await openBare(large.path, large.model);
  const watch = new MachineWatch();
  const results: Result[] = [];
  try {
    for (const width of options.widths) {
      results.push(await compare({ options, engine, bare, prompts, tokenize }, width));
      progress(JSON.stringify(results.at(-1)));
    }
  } finally {
    await bare?.[Symbol.asyncDispose]();
  }
  report(options, results, watch);
}

function openBare(path: string, model: LlamaCppModel): Promise<BareLoop> {
  const { cellCount, rowCountMax, sequenceCountMax } = model.facts;
  const { threadCount } = model;
  return BareLoop.open(path, { cellCount, rowCountMax, sequenceCountMax, threadCount });
}

async function compare(bench: Bench, width: number): Promise<Result> {
  const { options } = bench;
  const pairs: { bare: LoadTimes | null; engine: LoadTimes }[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (let repeat = 0; repeat <= options.repeats; repeat += 1) {
    const texts = bench.prompts.take(width);
    // The sides take turns to go first.
    const bareFirst = repeat % 2 === 0 ? await bareLoad(bench, texts) : null;
    if (repeat > 0) delay.enable();
    const engine = await engineLoad(bench, texts);
    delay.disable();
    const bare = bareFirst ?? (await bareLoad(bench, texts));
    // The first pair only warms the caches up.
    if (repeat > 0) pairs.push({ bare, engine });
  }
  const ratioMin = width === 1 ? SINGLE_STREAM_RATIO_MIN : BATCHED_RATIO_MIN;
  const ratio = ratioOf(pairs, ({ tokensPerSecond }) => tokensPerSecond);
  const eventLoopDelayP99Ms = delay.percentile(99) / 1e6;
  return {
    width,
    bare: bench.bare === null ? null : medianTimes(pairs.flatMap(({ bare }) => bare ?? [])),
    engine: medianTimes(pairs.map(({ engine }) => engine)),
    ratio,
    steadyRatio: ratioOf(pairs, ({ steadyTokensPerSecond }) => steadyTokensPerSecond),
    ratioMin,
    ratioMet: ratio === null ? null : ratio.median >= ratioMin,
    eventLoopDelayP99Ms,
    eventLoopDelayMet: eventLoopDelayP99Ms < LOOP_DELAY_P99_MAX_MS,
  };
}

async function bareLoad(bench: Bench, texts: readonly string[]): Promise<LoadTimes | null> {
  if (bench.bare === null) return null;
  const prompts = texts.map((text) => bench.tokenize(text));
  return loadTimes(await bench.bare.generate(prompts, bench.options.tokens));
}

async function engineLoad(
  { engine, options }: Bench,
  texts: readonly string[],
): Promise<LoadTimes> {
  const program = PROGRAMS[options.program] ?? {};
  const requests = texts.map((prompt, index) => [
    {
      prompt,
      ...program,
      maxTokens: options.tokens,
      seed: index,
      reusePrefix: options.keepPrefixes === true,
    },
  ]);
  return loadTimes(await runEngineLoad(engine, requests));
}

function ratioOf(
  pairs: readonly { readonly bare: LoadTimes | null; readonly engine: LoadTimes }[],
  speed: (times: LoadTimes) => number,
): PairedRatio | null {
  const ratios = pairs.flatMap(({ bare, engine }) =>
    bare === null ? [] : [speed(engine) / speed(bare)],
  );
  return ratios.length === 0 ? null : pairedRatio(ratios);
}

function report(options: Options, results: readonly Result[], watch: MachineWatch): void {
  const { json, widths: _, ...settings } = options;
  const rows = results.map((result) => [
    String(result.width),
    result.bare?.tokensPerSecond.toFixed(1) ?? '',
    result.engine.tokensPerSecond.toFixed(1),
    result.ratio === null ? '' : ratioText(result.ratio),
    result.steadyRatio === null ? '' : ratioText(result.steadyRatio),
    result.ratioMet === null ? '' : `>= ${result.ratioMin}: ${yesNo(result.ratioMet)}`,
    `${result.bare?.firstTokenMedianMs.toFixed(0) ?? ''}`,
    `${result.engine.firstTokenMedianMs.toFixed(0)} / ${result.engine.firstTokenWorstMs.toFixed(0)}`,
    `${result.eventLoopDelayP99Ms.toFixed(1)} (< 20: ${yesNo(result.eventLoopDelayMet)})`,
  ]);
  const head = ['streams', 'bare tok/s', 'engine tok/s', 'ratio', 'ratio, all writing', 'target'];
  const waits = ['bare first ms', 'engine first ms, median / worst', 'loop delay p99 ms'];
  publish(
    { benchmark: 'engine', settings, results, head: [...head, ...waits], rows },
    watch,
    json === true,
  );
}
