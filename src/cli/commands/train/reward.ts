/** `pilotfish train reward`: steps labelled by the ends of answers, and a network that learns the labels. */
import type { Command } from 'commander';
import type { TrainRewardOptions } from '../../../app/heads/reward-settings.ts';
import type { PairOptions } from '../../../app/pair-options.ts';
import type { QuestionOptions } from '../../../app/questions/load-questions.ts';
import type { DefinedFields } from '../../../core/defined-fields.ts';
import { TRAINING_WAVE_SIZE_MAX } from '../../../training/sequence-counts.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import { defaultFolder, pairWord } from '../../options/default-folder.ts';
import { FIT_FLAGS, rolloutFlags, SEED_FLAGS, widthFlags } from '../../options/fit-flags.ts';
import {
  addFlags,
  choice,
  count,
  type FlagTable,
  readFlags,
  text,
  toggle,
} from '../../options/flags.ts';
import { PAIR_FLAGS } from '../../options/pair-flags.ts';
import { answeringFlags, questionFlags } from '../../options/question-flags.ts';
import { SEPARATOR_FLAGS } from '../../options/step-flags.ts';
import { modelFlags } from '../../rendering/model-flags.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { renderReward } from '../../rendering/render-reward.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly out?: string;
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
  pilotfish ask --pair pocket-strong --strategy rsd \\
    --head training/pocket-pocket-strong/rsd.safetensors "..."`;

const STATE_COUNT_MAX = 4096;
const ANSWER_COUNT_MAX = 64;

type PlanFields = Pick<
  TrainRewardOptions,
  'separators' | 'stateCountMax' | 'label' | 'finisher' | 'answerCount'
>;

const PLAN_FLAGS: FlagTable<PlanFields> = {
  ...SEPARATOR_FLAGS,
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
    'what makes the reward: the product over all tokens of a step, the weakest of them, or only the ' +
      'last one, as in the usual value head (default: all)',
    ['all', 'weakest', 'last'],
  ),
  hidden: toggle('--no-hidden', "do not look at the small model's hidden state"),
};

const FILE_FLAGS: FlagTable<Pick<TrainRewardOptions, 'file'>> = {
  file: text('--file <FILE>', 'where the head is written (default: OUT/STRATEGY.safetensors)'),
};

const RUN_FLAGS = {
  ...{ ...questionFlags('train'), ...PLAN_FLAGS, ...FILE_FLAGS, ...widthFlags(48), ...SEED_FLAGS },
  ...rolloutFlags('state', ' and give soft labels'),
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
    } else io.out(renderReward(trained, modelFlags(options), io.color));
  } finally {
    bar.stop();
  }
}

function rewardOptions(parsed: OtherOptions): TrainRewardOptions {
  const given = readFlags(RUN_FLAGS, parsed);
  return {
    ...given,
    features: readFlags(FEATURE_FLAGS, parsed),
    fit: readFlags(FIT_FLAGS, parsed),
    folder: parsed.out ?? folderFor(given),
  };
}

function folderFor(options: DefinedFields<QuestionOptions & PairOptions>): string {
  const { task, traffic, slice } = options;
  return defaultFolder('training', [slice ?? task ?? traffic, pairWord(options)]);
}
