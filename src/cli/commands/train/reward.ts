/** `pilotfish train reward`: steps labelled by the ends of answers, and a network that learns the labels. */
import type { Command } from 'commander';
import type { TrainRewardOptions } from '../../../app/heads/reward-settings.ts';
import type { PairOptions } from '../../../app/pair-options.ts';
import type { QuestionOptions } from '../../../app/questions/load-questions.ts';
import type { DefinedFields } from '../../../core/defined-fields.ts';
import { parseSeparators } from '../../../strategy/step-boundary.ts';
import { TRAINING_WAVE_SIZE_MAX } from '../../../training/sequence-counts.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import { defaultFolder, pairWord } from '../../options/default-folder.ts';
import {
  addFlags,
  choice,
  count,
  type FlagTable,
  number,
  readFlags,
  text,
  toggle,
} from '../../options/flags.ts';
import { PAIR_FLAGS } from '../../options/pair-flags.ts';
import type { NumberRange } from '../../options/parse-number.ts';
import { answeringFlags, questionFlags } from '../../options/question-flags.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { renderReward } from '../../rendering/render-reward.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly out?: string;
  readonly steps?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Both models draft the next step wherever a mixture of their steps leads. A step of the small
model is good if nothing is lost by it: the large model still ends right after it, or would fail
anyway. All work is kept in --out: a training can be stopped and resumed at any moment, and other
labels and features use the same steps.

Examples:
  pilotfish train reward --task pocket --pair pocket-strong --count 1200 --question-seed 7
  pilotfish train reward --task gsm8k --data ~/data --count 200 --max-tokens 256 --steps newline
  pilotfish train reward --task pocket --pair pocket --large-reads logprob
  pilotfish train reward --task pocket --pair pocket --rollouts 8 --finisher both
  pilotfish ask --head training/pocket-pocket-strong/rsd.safetensors --strategy rsd "..."`;

const RATE: NumberRange = {
  holds: (value) => value > 0 && value <= 1,
  says: 'a number above 0, at most 1',
};
const STATE_COUNT_MAX = 4096;
const DRAW_COUNT_MAX = 64;
const ANSWER_COUNT_MAX = 64;
const WIDTH_MAX = 65_536;
const EPOCH_COUNT_MAX = 100_000;
/** For counts that have no limit of their own. */
const COUNT_MAX = 10_000_000;

type PlanFields = Pick<
  TrainRewardOptions,
  'stateCountMax' | 'label' | 'finisher' | 'drawCount' | 'rolloutCountMax' | 'answerCount'
>;

const PLAN_FLAGS: FlagTable<PlanFields> = {
  stateCountMax: count(
    '--states <N>',
    'the most states of a question at which the small model drafts (default: 64)',
    STATE_COUNT_MAX,
  ),
  label: choice(
    '--labels <NAME>',
    'advantage: nothing is lost by the step; value: its answer can still be finished',
    ['advantage', 'value'],
    'advantage',
  ),
  finisher: choice('--finisher <MODEL>', 'the model that finishes answers (default: large)', [
    'large',
    'small',
    'both',
  ]),
  drawCount: count(
    '--rollouts <N>',
    'rollouts of each state; more than one are drawn and give soft labels (default: 1, greedy)',
    DRAW_COUNT_MAX,
  ),
  rolloutCountMax: count('--rollout-cap <N>', 'the most rollouts', COUNT_MAX),
  answerCount: count(
    '--best-of <N>',
    'answers per held-out question among which the reward chooses (default: 4)',
    ANSWER_COUNT_MAX,
  ),
};

const FEATURE_FLAGS: FlagTable<NonNullable<TrainRewardOptions['features']>> = {
  large: choice(
    '--large-reads <WHAT>',
    'whether the large model reads every step, and what of it is used (default: none)',
    ['none', 'logprob', 'state'],
  ),
  tokens: choice(
    '--tokens <WHICH>',
    'all tokens of a step, or only the last one: the usual value head (default: all)',
    ['all', 'last'],
  ),
  hidden: toggle('--no-hidden', "do not look at the small model's hidden state"),
};

type FitFields = Pick<
  NonNullable<TrainRewardOptions['fit']>,
  'rate' | 'epochCountMax' | 'patience'
>;

const FIT_FLAGS: FlagTable<FitFields> = {
  rate: number('--rate <RATE>', 'step size of the optimiser', RATE),
  epochCountMax: count('--epochs <N>', 'epochs at most', EPOCH_COUNT_MAX),
  patience: count(
    '--patience <N>',
    'epochs without progress that end the training',
    EPOCH_COUNT_MAX,
  ),
};

const OTHER_FLAGS: FlagTable<Pick<TrainRewardOptions, 'width' | 'seed' | 'file'>> = {
  width: count('--width <N>', 'units of the hidden layer (default: 48)', WIDTH_MAX),
  seed: count('--seed <N>', 'the seed of all randomness (default: 1)', COUNT_MAX),
  file: text('--file <FILE>', 'where the head is written (default: OUT/STRATEGY.safetensors)'),
};

const RUN_FLAGS = {
  ...{ ...questionFlags('train'), ...PLAN_FLAGS, ...OTHER_FLAGS },
  ...{ ...answeringFlags(TRAINING_WAVE_SIZE_MAX), ...PAIR_FLAGS },
};

export function registerTrainReward(
  train: Command,
  io: CliIo,
  dependencies: CliDependencies,
): void {
  const command = train
    .command('reward')
    .summary('train a reward of steps (RSD)')
    .description(
      'Trains a reward, which says which steps of the small model the large one rewrites.',
    );
  // One table would lose flags: both models of a pair and what a large model reads are fields `large`.
  addFlags(addFlags(addFlags(command, RUN_FLAGS), FEATURE_FLAGS), FIT_FLAGS)
    .option('--steps <WHERE>', 'where steps end: blank-line, newline, sentence, or a text')
    .option('--out <FOLDER>', 'the folder of steps and the head (default: training/TASK-PAIR)')
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
    const options = rewardOptions(parsed);
    const trained = await dependencies.trainReward({
      ...options,
      ...{ signal: io.signal, onProgress, onNotice },
    });
    bar.stop();
    const { path, report, reward } = trained;
    if (parsed.json === true) {
      const { network: _1, trainedOn: _2, calibratedOn: _3, ...facts } = reward;
      io.out(`${JSON.stringify({ path, ...report, reward: facts })}\n`);
    } else io.out(renderReward(trained, io.color));
  } finally {
    bar.stop();
  }
}

function rewardOptions(parsed: OtherOptions): TrainRewardOptions {
  const given = readFlags(RUN_FLAGS, parsed);
  return {
    ...given,
    separators: parsed.steps === undefined ? undefined : parseSeparators(parsed.steps),
    features: readFlags(FEATURE_FLAGS, parsed),
    fit: readFlags(FIT_FLAGS, parsed),
    folder: parsed.out ?? folderFor(given),
  };
}

function folderFor(options: DefinedFields<QuestionOptions & PairOptions>): string {
  const { task, traffic, slice } = options;
  return defaultFolder('training', [slice ?? task ?? traffic, pairWord(options)]);
}
