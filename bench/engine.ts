/**
 * The engine against the bare loop over the same native library: what everything around the decodes
 * costs. Paired and interleaved in one process, so that only ratios count.
 *
 *   npm run bench -- [--model NAME] [--tokens N] [--repeats N] [--widths 1,4,8] [--json]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Command } from 'commander';
import { ensureModel } from '../src/catalog/ensure-model.ts';
import { invariant } from '../src/core/invariant.ts';
import { Engine } from '../src/engine/engine.ts';
import { loadModel } from '../src/model/llama-cpp/model.ts';
import { BareLoop } from './bare-loop.ts';

/** Greedy models go on counting: no stream ends early. */
const PROMPT = 'Counting up: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,';
const CONTEXT_LENGTH = 4096;
const ROW_COUNT_MAX = 256;
const SEQUENCE_COUNT_MAX = 16;

interface Settings {
  readonly model: string;
  readonly tokens: string;
  readonly repeats: string;
  readonly widths: string;
  readonly json?: boolean;
}

interface Result {
  readonly width: number;
  readonly bareTokensPerSecond: number;
  readonly engineTokensPerSecond: number;
  /** Median of the paired ratios, engine / bare; 1 is as fast. */
  readonly ratio: number;
  readonly eventLoopDelayP99Ms: number;
}

const settings = new Command()
  .option('--model <NAME>', 'model', 'qwen2.5-coder-1.5b-instruct')
  .option('--tokens <N>', 'tokens per stream', '48')
  .option('--repeats <N>', 'pairs per width', '3')
  .option('--widths <LIST>', 'streams at once', '1,4,8,16')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const tokenCount = Number(settings.tokens);
const { path } = await ensureModel(settings.model);
const model = await loadModel(path, {
  name: settings.model,
  contextLength: CONTEXT_LENGTH,
  rowCountMax: ROW_COUNT_MAX,
  sequenceCountMax: SEQUENCE_COUNT_MAX,
});
const bare = await BareLoop.open(path, {
  contextLength: CONTEXT_LENGTH,
  rowCountMax: ROW_COUNT_MAX,
  sequenceCountMax: SEQUENCE_COUNT_MAX,
  threadCount: model.threadCount,
});
const engine = new Engine({ models: { small: null, large: model } });
const prompt = model.vocabulary.tokenize(PROMPT);

const results: Result[] = [];
for (const width of settings.widths.split(',').map(Number)) {
  results.push(await compare(width));
  process.stderr.write(`${JSON.stringify(results.at(-1))}\n`);
}
await engine[Symbol.asyncDispose]();
await bare.close();
if (settings.json === true)
  process.stdout.write(`${JSON.stringify({ model: settings.model, results })}\n`);
else process.stdout.write(table(results));

async function compare(width: number): Promise<Result> {
  const pairs: { bareMs: number; engineMs: number }[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (let repeat = 0; repeat <= Number(settings.repeats); repeat += 1) {
    const bareMs = await bare.generate(prompt, tokenCount, width);
    delay.enable();
    const engineMs = await engineMsOf(width);
    delay.disable();
    // The first pair warms caches up.
    if (repeat > 0) pairs.push({ bareMs, engineMs });
  }
  const perSecond = (ms: number): number => (tokenCount * width * 1000) / ms;
  return {
    width,
    bareTokensPerSecond: perSecond(median(pairs.map(({ bareMs }) => bareMs))),
    engineTokensPerSecond: perSecond(median(pairs.map(({ engineMs }) => engineMs))),
    ratio: median(pairs.map(({ bareMs, engineMs }) => bareMs / engineMs)),
    eventLoopDelayP99Ms: delay.percentile(99) / 1e6,
  };
}

async function engineMsOf(width: number): Promise<number> {
  const started = performance.now();
  await Promise.all(Array.from({ length: width }, () => stream()));
  return performance.now() - started;
}

/** One greedy answer of the full length. */
async function stream(): Promise<void> {
  let count = 0;
  const request = { prompt: PROMPT, strategy: 'large', maxTokens: tokenCount };
  for await (const event of engine.generate(request)) if (event.type === 'token') count += 1;
  // A shorter answer would make the engine look faster than it is.
  invariant(count === tokenCount, `the answer ended after ${count} of ${tokenCount} tokens`);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function table(rows: readonly Result[]): string {
  const line = (cells: readonly string[]): string =>
    `${cells.map((cell) => cell.padStart(18)).join('')}\n`;
  const head = line(['streams', 'bare tokens/s', 'engine tokens/s', 'ratio', 'loop p99 ms']);
  return rows.reduce(
    (text, row) =>
      text +
      line([
        String(row.width),
        row.bareTokensPerSecond.toFixed(1),
        row.engineTokensPerSecond.toFixed(1),
        row.ratio.toFixed(3),
        row.eventLoopDelayP99Ms.toFixed(1),
      ]),
    head,
  );
}
