/** The process that `bench memory` measures. Argument: settings as JSON; prints one JSON line. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Engine } from '../src/engine/engine.ts';
import { estimateMemory, type MemoryEstimate } from '../src/model/llama-cpp/memory-estimate.ts';
import { readModelFile } from '../src/model/llama-cpp/model-file.ts';
import { CountingPrompts } from './workload/counting-prompt.ts';
import { runEngineLoad } from './workload/engine-load.ts';
import { type LoadedModel, loadFromCatalog } from './workload/load-model.ts';

export interface MemorySettings {
  /** One model, or the small and the large model. */
  readonly models: readonly string[];
  readonly width: number;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly context: number;
  readonly rows: number;
  readonly threads?: number;
}

/** Resident memory by kind: pages of mapped files can be dropped and read again, other pages cannot. */
export interface MemoryReading {
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly fileBytes: number;
}

export interface MemoryRun {
  readonly estimate: MemoryEstimate;
  readonly before: MemoryReading;
  readonly loaded: MemoryReading;
  /**
   * The peak of each kind, sampled at intervals, and the peak of the total, as the system records it.
   */
  readonly peak: MemoryReading;
  readonly closed: MemoryReading;
  readonly processorSeconds: number;
}

const INTERVAL_MS = 5;
const SETTLE_MS = 200;

const settings: MemorySettings = JSON.parse(process.argv[2] ?? '');
process.stdout.write(`${JSON.stringify(await measure(settings))}\n`);

async function measure(given: MemorySettings): Promise<MemoryRun> {
  const before = read();
  const peak = watchPeak();
  const loaded: LoadedModel[] = [];
  const shape = {
    contextLength: given.context,
    rowCountMax: given.rows,
    sequenceCountMax: given.width,
    ...(given.threads === undefined ? {} : { threadCount: given.threads }),
  };
  for (const name of given.models) loaded.push(await loadFromCatalog(name, shape));
  const afterLoad = read();
  await generate(loaded, given);
  const seen = peak();
  await sleep(SETTLE_MS);
  const closed = read();
  const files = await Promise.all(loaded.map(({ path }) => readModelFile(path)));
  const estimate = files
    .map((file) => estimateMemory(file, { ...shape, cellCount: given.context }))
    .reduce(sum);
  const { user, system } = process.cpuUsage();
  const processorSeconds = (user + system) / 1e6;
  return { estimate, before, loaded: afterLoad, peak: seen, closed, processorSeconds };
}

async function generate(loaded: readonly LoadedModel[], given: MemorySettings): Promise<void> {
  const [small, large] = loaded.length === 2 ? loaded : [undefined, loaded[0]];
  await using engine = new Engine({
    models: { small: small?.model ?? null, large: large?.model ?? null },
  });
  const prompts = new CountingPrompts(
    (text) => large?.model.vocabulary.tokenize(text) ?? [],
    given.promptTokens,
  );
  const strategy = small === undefined ? 'large' : 'entropy';
  const requests = prompts
    .take(given.width)
    .map((prompt) => [{ prompt, strategy, maxTokens: given.tokens }]);
  await runEngineLoad(engine, requests);
}

function sum(a: MemoryEstimate, b: MemoryEstimate): MemoryEstimate {
  return {
    weightBytes: a.weightBytes + b.weightBytes,
    kvBytes: a.kvBytes + b.kvBytes,
    computeBytes: a.computeBytes + b.computeBytes,
    totalBytes: a.totalBytes + b.totalBytes,
  };
}

/** Starts sampling. The result stops it and returns the peak. */
function watchPeak(): () => MemoryReading {
  let anonymousBytes = 0;
  let fileBytes = 0;
  const look = (): void => {
    const now = read();
    anonymousBytes = Math.max(anonymousBytes, now.anonymousBytes);
    fileBytes = Math.max(fileBytes, now.fileBytes);
  };
  const timer = setInterval(look, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    look();
    return { residentBytes: field('VmHWM'), anonymousBytes, fileBytes };
  };
}

function read(): MemoryReading {
  return {
    residentBytes: field('VmRSS'),
    anonymousBytes: field('RssAnon'),
    fileBytes: field('RssFile'),
  };
}

/** A size in /proc/self/status, in bytes. */
function field(name: string): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status);
  return match === null ? Number.NaN : Number(match[1]) * 1024;
}
