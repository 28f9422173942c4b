/** `pilotfish report`: an evaluation as a page with pictures. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { progressBar } from '../rendering/progress-bar.ts';

interface ReportOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Writes report.html, which needs no network and no other file, and its pictures as PNG.

Examples:
  pilotfish eval --task pocket --pair pocket --count 250
  pilotfish report evaluations/pocket-pocket/result.json
  pilotfish report pocket.json gsm8k.json --out report
  pilotfish report result.json --json | grep -o '"page":"[^"]*"'`;

export function registerReport(program: Command, io: CliIo, dependencies: CliDependencies): void {
  program
    .command('report')
    .summary('draw an evaluation: accuracy against cost, with intervals and controls')
    .description(
      'Draws what `eval --json` found: accuracy against cost with intervals and random controls, ' +
        'tables, and the questions on which strategies part.',
    )
    .argument('<results...>', 'files that `eval --json` wrote')
    .option('--out <FOLDER>', 'where to write (default: beside the first file)')
    .option('--json', 'print the written paths as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (paths: string[], options: ReportOptions) => {
      await report(paths, options, options.color ? io : withoutColor(io), dependencies);
    });
}

async function report(
  paths: readonly string[],
  { out, json }: ReportOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  try {
    const written = await dependencies.writeReport({
      paths,
      signal: io.signal,
      onProgress: bar.onProgress,
      folder: out,
    });
    bar.stop();
    const page = resolve(written.page);
    const pictures = written.pictures.map((path) => resolve(path));
    const text =
      json === true
        ? JSON.stringify({ type: 'report', page, pictures })
        : [page, ...pictures].join('\n');
    io.out(`${text}\n`);
  } finally {
    bar.stop();
  }
}
