/** `pilotfish bench steps`: measures forwards of the models of a pair, and saves a profile. */
import type { Command } from 'commander';
import type { MeasuredSteps } from '../../../app/measure-steps.ts';
import { DEFAULT_PAIR, parsePair } from '../../../catalog/known-pairs.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import { integerFrom, numberParser } from '../../options/parse-number.ts';
import { formatShare } from '../../rendering/format-quantity.ts';
import { printableText } from '../../rendering/printable-text.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { renderStepCosts } from '../../rendering/render-step-costs.ts';

interface StepsOptions {
  readonly pair?: string;
  readonly model?: readonly string[];
  readonly threads?: number;
  readonly profile?: string;
  readonly offline?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
}

const EXAMPLES = `Examples:
  pilotfish bench steps
  pilotfish bench steps --threads 1 --profile one-thread
  pilotfish bench steps --model smollm2-135m-instruct --json`;

const DESCRIPTION =
  'Measures what forwards of the models of a pair cost on this machine by their number of rows, ' +
  'and saves it as a profile. Other work on the machine spoils it: leave the machine alone.';

export function registerSteps(bench: Command, io: CliIo, dependencies: CliDependencies): void {
  bench
    .command('steps')
    .summary('measure what forwards cost on this machine')
    .description(DESCRIPTION)
    .option('--pair <NAME>', 'the pair of models (see `pilotfish models`)')
    .option('--model <MODEL>', 'a model instead; repeatable', collect)
    .option(
      '--threads <N>',
      'threads for computing (default: measured, too)',
      numberParser('--threads', integerFrom(1, 1024)),
    )
    .option('--profile <NAME>', 'what to call the profile (default: a name of this machine)')
    .option('--offline', 'use only what is on this machine')
    .option('--json', 'print the measurement as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${EXAMPLES}`)
    .action(async (options: StepsOptions) => {
      await steps(options, options.color ? io : withoutColor(io), dependencies);
    });
}

function collect(text: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), text];
}

async function steps(
  options: StepsOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const measured = await measure(options, io, dependencies);
  if (options.json === true) {
    io.out(`${JSON.stringify({ type: 'steps', ...measured })}\n`);
    return;
  }
  io.out(measured.models.map((model) => renderStepCosts(model, measured, io.color)).join('\n'));
  io.out(`\nSaved as the profile ${measured.profile.name}: ${printableText(measured.path)}\n`);
  if (!measured.isQuiet) io.err(`${busyNotice(measured)}\n`);
}

async function measure(
  { pair, model, threads, profile, offline }: StepsOptions,
  io: CliIo,
  { measureSteps }: CliDependencies,
): Promise<MeasuredSteps> {
  const { small, large } = parsePair(pair ?? DEFAULT_PAIR.name);
  const bar = progressBar(io);
  try {
    return await measureSteps({
      models: [...new Set(model ?? [small, large])],
      env: io.env,
      signal: io.signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
      ...(threads === undefined ? {} : { threadCount: threads }),
      ...(profile === undefined ? {} : { profile }),
      ...(offline === undefined ? {} : { offline }),
    });
  } finally {
    bar.stop();
  }
}

function busyNotice({ models }: MeasuredSteps): string {
  const spread = Math.max(...models.map((model) => model.spread));
  return (
    `The machine was not quiet (forwards of one kind lay ${formatShare(spread)} above their ` +
    'fastest). Measure again when it has nothing else to do.'
  );
}
