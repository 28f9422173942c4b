/** `pilotfish fit uhlm`: uncertainties against rejections, a line, and the thresholds that follow. */
import type { Command } from 'commander';
import type { FitUhlmOptions } from '../../../app/heads/fit-settings.ts';
import type { PairOptions } from '../../../app/pair-options.ts';
import type { QuestionOptions } from '../../../app/questions/load-questions.ts';
import type { DefinedFields } from '../../../core/defined-fields.ts';
import { WAVE_SIZE_MAX } from '../../../evaluation/run/sequence-counts.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import { defaultFolder, pairWord } from '../../options/default-folder.ts';
import { SEED_FLAGS } from '../../options/fit-flags.ts';
import { addFlags, type FlagTable, number, readFlags, text } from '../../options/flags.ts';
import { PAIR_FLAGS } from '../../options/pair-flags.ts';
import { answeringFlags, questionFlags, TRAFFIC_FLAGS } from '../../options/question-flags.ts';
import { modelFlags } from '../../rendering/model-flags.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { renderFit } from '../../rendering/render-fit.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `The small model drafts answers, the large one verifies every token. A line β ≈ a·u + b is
fitted to the uncertainty u of each draft and the probability β that it is rejected. From it follow
the risk-averse threshold -b/a, up to which no rejection is expected, and the risk-prone one, up to
which --risk-tolerated is. Every fifth question is held out and shows what they are worth. Answers
are not graded. All work is kept in --out: a fit can be stopped and resumed at any moment.

Examples:
  pilotfish fit uhlm --task pocket --pair pocket --count 500 --question-seed 7
  pilotfish fit uhlm --task gsm8k --data ~/data --count 40 --max-tokens 256
  pilotfish fit uhlm --traffic prompts.jsonl --temperature 0.7
  pilotfish ask --pair pocket --strategy uhlm --temperature 1 \\
    --head fits/pocket-pocket/uhlm.safetensors "..."`;

const PLAN_FLAGS: FlagTable<
  Pick<FitUhlmOptions, 'temperature' | 'toleratedRejection' | 'truncationError' | 'file'>
> = {
  temperature: number('--temperature <T>', 'of the drafts; 0: greedy (default: 1)', {
    ...{ holds: (value) => value >= 0 && value <= 100, says: 'a number from 0 to 100' },
  }),
  toleratedRejection: number(
    '--risk-tolerated <P>',
    'the probability of a rejection that the risk-prone threshold tolerates (default: 0.5)',
    { holds: (value) => value > 0 && value < 1, says: 'a number between 0 and 1' },
  ),
  truncationError: number(
    '--truncation-error <E>',
    'the bound θ by which k* tokens of a distribution are sent (default: 0.1)',
    { holds: (value) => value > 0, says: 'a number above 0' },
  ),
  file: text(
    '--file <FILE>',
    'where the fit is written (default: OUT/uhlm.safetensors; at another ' +
      'temperature than 1 with its name)',
  ),
};

const RUN_FLAGS = {
  ...{ ...questionFlags('train'), ...TRAFFIC_FLAGS, ...PLAN_FLAGS, ...SEED_FLAGS },
  ...{ ...answeringFlags(WAVE_SIZE_MAX), ...PAIR_FLAGS },
};

export function registerFitUhlm(fit: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = fit
    .command('uhlm')
    .summary('fit what a device transmits (U-HLM)')
    .description('Fits rejections to uncertainties, and finds which drafts need no verification.');
  addFlags(command, RUN_FLAGS)
    .option('--out <FOLDER>', 'the folder of drafts, fit and picture (default: fits/TASK-PAIR)')
    .option('--json', 'print one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (parsed: OtherOptions) => {
      await run(parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function run(parsed: OtherOptions, io: CliIo, dependencies: CliDependencies): Promise<void> {
  const bar = progressBar(io);
  try {
    const { onProgress, onNotice } = bar;
    const given = readFlags(RUN_FLAGS, parsed);
    const fitted = await dependencies.fitUhlm({
      ...{ ...given, folder: parsed.out ?? folderFor(given) },
      ...{ signal: io.signal, onProgress, onNotice },
    });
    bar.stop();
    const { path, picture, fit, thresholds } = fitted;
    if (parsed.json === true) {
      const { trainedOn: _1, calibratedOn: _2, ...facts } = fit;
      io.out(`${JSON.stringify({ path, picture, thresholds, fit: facts })}\n`);
    } else io.out(renderFit(fitted, modelFlags(given), io.color));
  } finally {
    bar.stop();
  }
}

function folderFor(options: DefinedFields<QuestionOptions & PairOptions>): string {
  const { task, traffic, slice } = options;
  return defaultFolder('fits', [slice ?? task ?? traffic, pairWord(options)]);
}
