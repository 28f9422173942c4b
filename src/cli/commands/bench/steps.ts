/** `pilotfish bench steps`: measures forwards of the models of a pair, and saves a profile. */
import type { Command } from 'commander';
import type { MeasuredSteps, MeasureStepsOptions } from '../../../app/measure-steps.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import { addFlags, type FlagTable, readFlags, text, texts } from '../../options/flags.ts';
import { PAIR_FLAGS } from '../../options/pair-flags.ts';
import { formatShare } from '../../rendering/format-quantity.ts';
import { printableText } from '../../rendering/printable-text.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { renderStepCosts } from '../../rendering/render-step-costs.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly json?: boolean;
  readonly color: boolean;
}

const EXAMPLES = `Examples:
  pilotfish bench steps
  pilotfish bench steps --threads 1 --profile one-thread
  pilotfish bench steps --model smollm2-135m-instruct --json`;

const DESCRIPTION =
  'Measures what forwards of the models of a pair cost on this machine by their number of rows, ' +
  'and saves the costs as a profile. Other work on the machine falsifies them: leave it alone.';

type Fields = Pick<MeasureStepsOptions, 'pair' | 'models' | 'threadCount' | 'profile' | 'offline'>;

const FLAGS: FlagTable<Fields> = {
  pair: PAIR_FLAGS.pair,
  models: texts('--model <MODEL>', 'a model to measure instead of the pair; repeatable'),
  threadCount: {
    ...PAIR_FLAGS.threadCount,
    description: 'threads for computing (default: the fastest number, measured)',
  },
  profile: text('--profile <NAME>', 'the name of the profile (default: a name of this machine)'),
  offline: PAIR_FLAGS.offline,
};

export function registerSteps(bench: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = bench
    .command('steps')
    .summary('measure what forwards cost on this machine')
    .description(DESCRIPTION);
  addFlags(command, FLAGS)
    .option('--json', 'print the measurement as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${EXAMPLES}`)
    .action(async (parsed: OtherOptions) => {
      const options = readFlags(FLAGS, parsed);
      await run(options, parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function run(
  options: MeasureStepsOptions,
  { json }: OtherOptions,
  io: CliIo,
  { measureSteps }: CliDependencies,
): Promise<void> {
  const { onProgress, onNotice, stop } = progressBar(io);
  try {
    const { env, signal } = io;
    const measured = await measureSteps({ ...options, env, signal, onProgress, onNotice });
    stop();
    show(measured, io, json === true);
  } finally {
    stop();
  }
}

function show(measured: MeasuredSteps, io: CliIo, json: boolean): void {
  if (json) {
    io.out(`${JSON.stringify({ type: 'steps', ...measured })}\n`);
    return;
  }
  io.out(measured.models.map((model) => renderStepCosts(model, measured, io.color)).join('\n'));
  io.out(`\nSaved as the profile ${measured.profile.name}: ${printableText(measured.path)}\n`);
  if (!measured.isQuiet) io.err(`${busyNotice(measured)}\n`);
}

function busyNotice({ models }: MeasuredSteps): string {
  const spread = Math.max(...models.map((model) => model.spread));
  return (
    `The machine was not quiet (forwards of one kind lay ${formatShare(spread)} above their ` +
    'fastest). Measure again when it has nothing else to do.'
  );
}
