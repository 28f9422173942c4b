/**
 * Measures how soon an abort takes effect. Requests are aborted at random moments of a long prefill,
 * while another request waits for their share of the KV cache: alone, beside a running stream, and
 * behind another long prompt, which is read first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { seededDraws } from '../src/core/draws.ts';
import { PilotfishError } from '../src/core/errors.ts';
import { Engine } from '../src/engine/engine.ts';
import type { GenerateRequest } from '../src/engine/request.ts';
import { MachineWatch } from './report/machine-watch.ts';
import { median, quantile } from './report/paired-statistics.ts';
import { progress, publish, yesNo } from './report/report.ts';
import { CountingPrompts } from './workload/counting-prompt.ts';
import { LARGE_DEFAULT, loadFromCatalog } from './workload/load-model.ts';
import { count } from './workload/options.ts';

const EFFECT_MAX_MS = 100;
/** Aborts fall between these shares of the prefill's time. */
const EARLIEST = 0.03;
const LATEST = 0.95;
const SHORT_PROMPT_TOKENS = 24;
const STREAM_TOKENS = 400;
const SPARE_CELLS = 128;

interface Options {
  readonly model: string;
  readonly promptTokens: number;
  readonly aborts: number;
  readonly seed: number;
  readonly threads?: number;
  readonly json?: boolean;
}

/** The effect of one abort, in milliseconds from it. */
interface Effect {
  /** The share of the prefill's time that had passed, from 0 to 1. */
  readonly moment: number;
  /** The time until `generate()` of the aborted request failed. */
  readonly rejectedMs: number;
  /** The time until the next request, which waited for the cells, started. */
  readonly nextStartedMs: number;
  /** The time until the next request wrote its first token. */
  readonly nextFirstTokenMs: number;
}

const BESIDES = ['nothing', 'a stream', 'a prompt'] as const;
type Beside = (typeof BESIDES)[number];

interface Result {
  readonly beside: Beside;
  readonly prefillMs: number;
  readonly effects: readonly Effect[];
  readonly worstMs: number;
  readonly met: boolean;
}

interface Bench {
  readonly engine: Engine;
  readonly long: CountingPrompts;
  readonly short: CountingPrompts;
  /** Tokens of the next request: more than are free beside the long request, fewer than it frees. */
  readonly nextTokens: number;
}

export function abortCommand(): Command {
  return new Command('abort')
    .description('how soon an abort within a long prefill takes effect')
    .option('--model <NAME>', 'model', LARGE_DEFAULT)
    .option('--prompt-tokens <N>', 'tokens of the aborted prompt; at least 600', count, 2000)
    .option('--aborts <N>', 'aborts, alone and beside each', count, 12)
    .option('--seed <N>', 'the seed of the random moments', count, 1)
    .option('--threads <N>', 'threads of the model', count)
    .option('--json', 'print results as JSON')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const watch = new MachineWatch();
  const results: Result[] = [];
  for (const beside of BESIDES) results.push(await measureWith(options, beside));
  report(options, results, watch);
}

/**
 * Loads the model anew, because the cache must be just too small for the next request beside all others.
 */
async function measureWith(options: Options, beside: Beside): Promise<Result> {
  const { promptTokens } = options;
  const contextLength = promptTokens + SHORT_PROMPT_TOKENS + STREAM_TOKENS + SPARE_CELLS;
  const { model } = await loadFromCatalog(options.model, {
    contextLength,
    cellCount: contextLength + (beside === 'a prompt' ? promptTokens : 0),
    rowCountMax: 256,
    sequenceCountMax: 4,
    ...(options.threads === undefined ? {} : { threadCount: options.threads }),
  });
  await using engine = new Engine({ models: { small: null, large: model } });
  const tokenize = (text: string): readonly number[] => model.vocabulary.tokenize(text);
  const bench: Bench = {
    engine,
    long: new CountingPrompts(tokenize, promptTokens),
    short: new CountingPrompts(tokenize, SHORT_PROMPT_TOKENS),
    nextTokens: promptTokens,
  };
  return await measure(bench, options, beside);
}

async function measure(bench: Bench, options: Options, beside: Beside): Promise<Result> {
  const prefillMs = await running(bench, beside, () => firstTokenMs(bench));
  const draws = seededDraws(options.seed);
  const effects: Effect[] = [];
  for (let index = 0; index < options.aborts; index += 1) {
    const moment = EARLIEST + (LATEST - EARLIEST) * draws.uniform(index, 'coin');
    const effect = await abortWithin(bench, beside, moment, prefillMs);
    effects.push(effect);
    progress(`beside ${beside}: ${JSON.stringify(effect)}`);
  }
  const worstMs = Math.max(...effects.map(({ rejectedMs }) => rejectedMs));
  const startMs = Math.max(...effects.map(({ nextStartedMs }) => nextStartedMs));
  return { beside, prefillMs, effects, worstMs, met: Math.max(worstMs, startMs) <= EFFECT_MAX_MS };
}

/** Aborts within the prefill. If a prefill was over before the abort, the next abort comes sooner. */
async function abortWithin(
  bench: Bench,
  beside: Beside,
  moment: number,
  prefillMs: number,
): Promise<Effect> {
  const effect = await running(bench, beside, () => abortAt(bench, moment, moment * prefillMs));
  return effect ?? (await abortWithin(bench, beside, moment / 2, prefillMs));
}

/** Runs `work` alone, beside a writing stream, or behind a prompt that is read first. */
async function running<T>(
  { engine, short, long }: Bench,
  beside: Beside,
  work: () => Promise<T>,
): Promise<T> {
  if (beside === 'nothing') return await work();
  const abort = new AbortController();
  const request = greedy(beside === 'a stream' ? short : long, STREAM_TOKENS);
  const other = started(engine, { ...request, signal: abort.signal });
  await (beside === 'a stream' ? other.firstToken : other.start);
  try {
    return await work();
  } finally {
    abort.abort();
    await other.end;
  }
}

async function firstTokenMs({ engine, long }: Bench): Promise<number> {
  const began = performance.now();
  const request = started(engine, greedy(long, 1));
  await request.end;
  return performance.now() - began;
}

/** @returns null if the prefill was over before the abort */
async function abortAt(
  { engine, long, short, nextTokens }: Bench,
  moment: number,
  ms: number,
): Promise<Effect | null> {
  const abort = new AbortController();
  const cancelNext = new AbortController();
  const aborted = started(engine, { ...greedy(long, 16), signal: abort.signal });
  await aborted.start;
  const next = started(engine, { ...greedy(short, nextTokens), signal: cancelNext.signal });
  await sleep(ms);
  const began = performance.now();
  const since = (): number => performance.now() - began;
  const isOver = aborted.hasWritten();
  abort.abort();
  const [rejectedMs, nextStartedMs, nextFirstTokenMs] = await Promise.all([
    aborted.end.then(since),
    next.start.then(since),
    next.firstToken.then(since),
  ]);
  cancelNext.abort();
  await next.end;
  return isOver ? null : { moment, rejectedMs, nextStartedMs, nextFirstTokenMs };
}

function greedy(prompts: CountingPrompts, maxTokens: number): GenerateRequest {
  return { prompt: prompts.next(), strategy: 'large', maxTokens, reusePrefix: false };
}

interface Started {
  readonly start: Promise<void>;
  readonly firstToken: Promise<void>;
  readonly hasWritten: () => boolean;
  /** Resolves when the request has ended or was aborted; other failures reject. */
  readonly end: Promise<void>;
}

function started(engine: Engine, request: GenerateRequest): Started {
  const start = deferred();
  const firstToken = deferred();
  let written = false;
  const read = async (): Promise<void> => {
    try {
      for await (const { type } of engine.generate(request)) {
        if (type === 'start') start.resolve();
        if (type !== 'token') continue;
        written = true;
        firstToken.resolve();
      }
    } catch (error) {
      if (!PilotfishError.isInstance(error) || error.code !== 'aborted') throw error;
    }
  };
  const end = read();
  return { start: start.promise, firstToken: firstToken.promise, hasWritten: () => written, end };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function report(options: Options, results: readonly Result[], watch: MachineWatch): void {
  const { json, ...settings } = options;
  const spread = (values: readonly number[]): string =>
    [median(values), quantile(values, 0.9), Math.max(...values)]
      .map((value) => value.toFixed(1))
      .join(' / ');
  const rows = results.map(({ beside, prefillMs, effects, met }) => [
    beside,
    prefillMs.toFixed(0),
    String(effects.length),
    spread(effects.map(({ rejectedMs }) => rejectedMs)),
    spread(effects.map(({ nextStartedMs }) => nextStartedMs)),
    spread(effects.map(({ nextFirstTokenMs }) => nextFirstTokenMs)),
    yesNo(met),
  ]);
  const head = ['beside', 'prefill ms', 'aborts', 'rejected ms: median / p90 / worst'];
  const more = ['next started ms', 'next first token ms', `within ${EFFECT_MAX_MS} ms`];
  publish(
    { benchmark: 'abort', settings, results, head: [...head, ...more], rows },
    watch,
    json === true,
  );
}
