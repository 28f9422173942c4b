/** The result of a benchmark: one JSON object for programs, or a table for people. */
import { availableParallelism, cpus } from 'node:os';
import Table from 'cli-table3';
import { LIBRARY_PACKAGE_VERSION } from '../../src/model/llama-cpp/known-builds.ts';
import { describeQuietness, type MachineWatch } from './machine-watch.ts';
import type { PairedRatio } from './paired-statistics.ts';

export interface Report {
  readonly benchmark: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly results: readonly unknown[];
  /** Columns and rows for people. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Further facts for people, one line each. */
  readonly notes?: readonly string[];
}

export function publish(report: Report, watch: MachineWatch, json: boolean): void {
  const { head, rows, notes = [], ...data } = report;
  const quietness = watch.finish();
  if (json) {
    const machine = {
      processor: cpus()[0]?.model ?? 'unknown',
      processors: availableParallelism(),
      node: process.version,
      library: LIBRARY_PACKAGE_VERSION,
    };
    const line = { ...data, notes, machine, quietness, at: new Date().toISOString() };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  table.push(...rows.map((row) => [...row]));
  const settings = Object.entries(report.settings).map(([name, value]) => `${name} ${value}`);
  const lines = [`${report.benchmark}: ${settings.join(', ')}`, table.toString(), ...notes];
  process.stdout.write(`${[...lines, describeQuietness(quietness)].join('\n')}\n`);
}

/** One line on standard error while a benchmark runs. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The median and interval for people. */
export function ratioText({ median, low, high, pairCount }: PairedRatio): string {
  const interval = `${low.toFixed(3)} to ${high.toFixed(3)}`;
  return `${median.toFixed(3)} (${pairCount === 1 ? 'one pair' : interval})`;
}

export function yesNo(met: boolean): string {
  return met ? 'yes' : 'NO';
}
