/**
 * Compares the engine with llama-server over HTTP, which people would use instead. The two run in turns;
 * the server is stopped while the engine runs, and the engine is idle while the server runs.
 */
import { Command } from 'commander';
import { Engine } from '../src/engine/engine.ts';
import { MachineWatch } from './report/machine-watch.ts';
import { type PairedRatio, pairedRatio } from './report/paired-statistics.ts';
import { progress, publish, ratioText, yesNo } from './report/report.ts';
import { CountingPrompts } from './workload/counting-prompt.ts';
import { runEngineLoad } from './workload/engine-load.ts';
import { LARGE_DEFAULT, loadFromCatalog } from './workload/load-model.ts';
import { count, counts } from './workload/options.ts';
import { type LoadTimes, loadTimes, medianTimes } from './workload/stream-times.ts';
import { LlamaServer, type ServerSource } from './yardsticks/llama-server.ts';

const SPEED_RATIO_MIN = 0.95;
const FIRST_TOKEN_RATIO_MAX = 1;

interface Options {
  readonly model: string;
  readonly llamaServer?: string;
  readonly python?: string;
  readonly streams: number[];
  readonly requests: number;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly repeats: number;
  readonly rows: number;
  readonly context: number;
  readonly threads?: number;
  readonly json?: boolean;
}

interface Result {
  readonly streams: number;
  readonly server: LoadTimes;
  readonly engine: LoadTimes;
  /** Engine / server by tokens per second. */
  readonly ratio: PairedRatio;
  /** Engine / server by the median wait for a first token; below 1 is sooner. */
  readonly firstTokenRatio: PairedRatio;
  readonly ratioMet: boolean;
  readonly firstTokenMet: boolean;
}

interface Bench {
  readonly options: Options;
  readonly engine: Engine;
  readonly server: LlamaServer;
  readonly prompts: CountingPrompts;
  readonly tokenize: (text: string) => readonly number[];
}

export function llamaServerCommand(): Command {
  return new Command('llama-server')
    .description('the engine against llama-server')
    .option('--model <NAME>', 'model', LARGE_DEFAULT)
    .option('--llama-server <PATH>', 'its binary; default: LLAMA_SERVER, else xllamacpp')
    .option('--python <PATH>', 'a Python with xllamacpp; default: one of our own')
    .option('--streams <LIST>', 'loops that send requests at once', counts, [1, 4, 8])
    .option('--requests <N>', 'requests of each loop, one after the other', count, 1)
    .option('--tokens <N>', 'tokens per request', count, 48)
    .option('--prompt-tokens <N>', 'tokens of a prompt, about', count, 64)
    .option('--repeats <N>', 'pairs per number of streams', count, 6)
    .option('--rows <N>', 'most rows of a forward, on both sides', count, 256)
    .option('--context <N>', 'tokens of the KV cache', count, 4096)
    .option('--threads <N>', 'threads of the model', count)
    .option('--json', 'print results as JSON')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const shape = {
    contextLength: options.context,
    rowCountMax: options.rows,
    sequenceCountMax: Math.max(...options.streams),
    ...(options.threads === undefined ? {} : { threadCount: options.threads }),
  };
  const { path, model } = await loadFromCatalog(options.model, shape);
  await using engine = new Engine({ models: { small: null, large: model } });
  await using server = await LlamaServer.start(sourceOf(options), {
    modelPath: path,
    contextLength: shape.contextLength,
    rowCountMax: shape.rowCountMax,
    slotCount: shape.sequenceCountMax,
    threadCount: model.threadCount,
  });
  const tokenize = (text: string): readonly number[] => model.vocabulary.tokenize(text);
  const prompts = new CountingPrompts(tokenize, options.promptTokens);
  const bench = { options, engine, server, prompts, tokenize };
  const watch = new MachineWatch();
  const before = server.processSeconds;
  const results: Result[] = [];
  for (const streams of options.streams) {
    results.push(await compare(bench, streams));
    progress(JSON.stringify(results.at(-1)));
  }
  server.resume();
  const idle = await server.idleProcessors();
  watch.addChild(server.processSeconds - before);
  report(options, results, { watch, label: server.label, idle });
}

function sourceOf({ llamaServer, python }: Options): ServerSource {
  const binary = llamaServer ?? process.env['LLAMA_SERVER'];
  return binary !== undefined && python === undefined ? { binary } : { python: python ?? null };
}

async function compare(bench: Bench, streams: number): Promise<Result> {
  const { options } = bench;
  const pairs: { server: LoadTimes; engine: LoadTimes }[] = [];
  for (let repeat = 0; repeat <= options.repeats; repeat += 1) {
    const loops = Array.from({ length: streams }, () => bench.prompts.take(options.requests));
    // The sides take turns to go first.
    const first = repeat % 2 === 0 ? await serverLoad(bench, loops) : null;
    const engine = await engineLoad(bench, loops);
    const server = first ?? (await serverLoad(bench, loops));
    // The first pair only warms the caches up.
    if (repeat > 0) pairs.push({ server, engine });
  }
  const ratio = pairedRatio(
    pairs.map(({ server, engine }) => engine.tokensPerSecond / server.tokensPerSecond),
  );
  const firstTokenRatio = pairedRatio(
    pairs.map(({ server, engine }) => engine.firstTokenMedianMs / server.firstTokenMedianMs),
  );
  return {
    streams,
    server: medianTimes(pairs.map(({ server }) => server)),
    engine: medianTimes(pairs.map(({ engine }) => engine)),
    ratio,
    firstTokenRatio,
    ratioMet: ratio.median >= SPEED_RATIO_MIN,
    firstTokenMet: firstTokenRatio.median <= FIRST_TOKEN_RATIO_MAX,
  };
}

type Loops = readonly (readonly string[])[];

async function serverLoad({ server, options, tokenize }: Bench, loops: Loops): Promise<LoadTimes> {
  const prompts = loops.map((texts) => texts.map((text) => tokenize(text)));
  server.resume();
  try {
    return loadTimes(await server.run(prompts, options.tokens));
  } finally {
    server.pause();
  }
}

async function engineLoad({ engine, options }: Bench, loops: Loops): Promise<LoadTimes> {
  const maxTokens = options.tokens;
  const requests = loops.map((texts) =>
    texts.map((prompt) => ({ prompt, strategy: 'large', maxTokens, reusePrefix: false })),
  );
  return loadTimes(await runEngineLoad(engine, requests));
}

interface Surroundings {
  readonly watch: MachineWatch;
  readonly label: string;
  readonly idle: number;
}

function report(options: Options, results: readonly Result[], around: Surroundings): void {
  const { json, streams: _, ...given } = options;
  const rows = results.map(({ streams, server, engine, ...result }) => [
    String(streams),
    server.tokensPerSecond.toFixed(1),
    engine.tokensPerSecond.toFixed(1),
    `${ratioText(result.ratio)} ${yesNo(result.ratioMet)}`,
    `${server.firstTokenMedianMs.toFixed(0)} / ${server.firstTokenWorstMs.toFixed(0)}`,
    `${engine.firstTokenMedianMs.toFixed(0)} / ${engine.firstTokenWorstMs.toFixed(0)}`,
    `${ratioText(result.firstTokenRatio)} ${yesNo(result.firstTokenMet)}`,
  ]);
  const speeds = ['streams', 'server tok/s', 'engine tok/s', `ratio (>= ${SPEED_RATIO_MIN})`];
  const waits = ['server first ms, median / worst', 'engine first ms', 'ratio (<= 1)'];
  const settings = { ...given, server: around.label };
  const notes = [`the server kept ${around.idle.toFixed(2)} processors busy with nothing to do`];
  const table = { head: [...speeds, ...waits], rows, notes };
  publish({ benchmark: 'llama-server', settings, results, ...table }, around.watch, json === true);
}
