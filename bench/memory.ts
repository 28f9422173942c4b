/**
 * Compares the peak memory of a process that loads a model or the pair, prefills and generates at width
 * 8, with the estimate before loading. Each measurement is a process of its own (Linux).
 */
import { join } from 'node:path';
import { Command } from 'commander';
import { execaNode } from 'execa';
import type { MemoryReading, MemoryRun, MemorySettings } from './memory-child.ts';
import { MachineWatch } from './report/machine-watch.ts';
import { publish } from './report/report.ts';
import { LARGE_DEFAULT, SMALL_DEFAULT } from './workload/load-model.ts';
import { count } from './workload/options.ts';

interface Options {
  readonly models?: string;
  readonly width: number;
  readonly tokens: number;
  readonly promptTokens: number;
  readonly context: number;
  readonly rows: number;
  readonly threads?: number;
  readonly json?: boolean;
}

interface Result extends MemoryRun {
  readonly models: readonly string[];
  /** (Peak - memory before loading) / estimate. */
  readonly ratio: number;
}

export function memoryCommand(): Command {
  return new Command('memory')
    .description('peak memory against the estimate')
    .option('--models <LIST>', 'one model, or SMALL,LARGE; default: the large one, then the pair')
    .option('--width <N>', 'streams at once', count, 8)
    .option('--tokens <N>', 'tokens per stream', count, 24)
    .option('--prompt-tokens <N>', 'tokens of a prompt, about', count, 300)
    .option('--context <N>', 'tokens of the KV cache', count, 4096)
    .option('--rows <N>', 'most rows of a forward', count, 256)
    .option('--threads <N>', 'threads of a model', count)
    .option('--json', 'print results as JSON')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { models: given, json, ...settings } = options;
  const sets =
    given === undefined ? [[LARGE_DEFAULT], [SMALL_DEFAULT, LARGE_DEFAULT]] : [given.split(',')];
  const watch = new MachineWatch();
  const results: Result[] = [];
  for (const models of sets) results.push(await measure({ ...settings, models }));
  for (const { processorSeconds } of results) watch.addChild(processorSeconds);
  const rows = results.map((result) => [
    result.models.join(' + '),
    megabytes(result.estimate.weightBytes),
    megabytes(result.estimate.kvBytes),
    megabytes(result.estimate.computeBytes),
    megabytes(result.estimate.totalBytes),
    grown(result, 'residentBytes'),
    grown(result, 'anonymousBytes'),
    grown(result, 'fileBytes'),
    result.ratio.toFixed(2),
    megabytes(result.closed.residentBytes - result.before.residentBytes),
  ]);
  const estimated = ['models', 'weights MB', 'KV MB', 'compute MB', 'estimate MB'];
  const measured = ['peak MB', 'anonymous MB', 'mapped file MB', 'peak / estimate', 'left MB'];
  const notes = [
    'Peaks of each kind, less what the process had before loading; left: after closing.',
  ];
  const table = { head: [...estimated, ...measured], rows, notes };
  publish({ benchmark: 'memory', settings, results, ...table }, watch, json === true);
}

async function measure(settings: MemorySettings): Promise<Result> {
  const child = join(import.meta.dirname, 'memory-child.ts');
  const { stdout } = await execaNode(child, [JSON.stringify(settings)], {
    nodeOptions: ['--import', 'tsx'],
    stderr: 'inherit',
  });
  const run: MemoryRun = JSON.parse(stdout);
  const grownBytes = run.peak.residentBytes - run.before.residentBytes;
  return { models: settings.models, ...run, ratio: grownBytes / run.estimate.totalBytes };
}

function grown({ peak, before }: MemoryRun, part: keyof MemoryReading): string {
  return megabytes(peak[part] - before[part]);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0);
}
