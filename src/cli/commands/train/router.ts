/** `pilotfish train router`: labels by rollouts, and a network that learns them. */
import type { Command } from 'commander';
import type { TrainOptions } from '../../../app/heads/train-settings.ts';
import type { PairOptions } from '../../../app/pair-options.ts';
import type { QuestionOptions } from '../../../app/questions/load-questions.ts';
import type { DefinedFields } from '../../../core/defined-fields.ts';
import { OBJECTIVES } from '../../../training/labels/targets.ts';
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
  number,
  readFlags,
  share,
  text,
  toggle,
} from '../../options/flags.ts';
import { PAIR_FLAGS } from '../../options/pair-flags.ts';
import type { NumberRange } from '../../options/parse-number.ts';
import { answeringFlags, questionFlags, TRAFFIC_FLAGS } from '../../options/question-flags.ts';
import { modelFlags } from '../../rendering/model-flags.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { ROUND_TITLES, renderRound, renderTrained } from '../../rendering/render-training.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly out?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `The large model answers every question. Along its right answers, at tokens where the
models differ, both tokens are rolled out to the ends of answers, which are graded. From the second
round on the router of the round before takes part. All work is kept in --out: a training can be
stopped and resumed at any moment, and other objectives use the same answers and traces.

Examples:
  pilotfish train router --task pocket --pair pocket --count 1200 --question-seed 7
  pilotfish train router --task svamp --data ~/data --split train --max-tokens 256
  pilotfish train router --task mine.jsonl --objective citer-s --out training/mine
  pilotfish ask --head training/mine/citer-s.safetensors --strategy citer-s@10% "..."`;

const BALANCE: NumberRange = {
  holds: (value) => value >= 1 && value <= 1000,
  says: 'a number from 1 to 1000',
};
const ROUND_COUNT_MAX = 8;
const POSITION_COUNT_MAX = 4096;
const TOP_LOGPROBS_MAX = 32;

type LabelFields = Pick<
  TrainOptions,
  'objective' | 'roundCount' | 'positionCountMax' | 'firstPolicy' | 'policyShare'
>;

const LABEL_FLAGS: FlagTable<LabelFields> = {
  objective: choice('--objective <NAME>', 'the training objective', OBJECTIVES, 'citer'),
  roundCount: count('--rounds <N>', 'rounds of labels and training (default: 2)', ROUND_COUNT_MAX),
  positionCountMax: count(
    '--positions <N>',
    'the most positions of an answer that are judged (default: 24)',
    POSITION_COUNT_MAX,
  ),
  firstPolicy: choice(
    '--first-policy <MODEL>',
    'the model that goes on after a token in the first round (default: small)',
    ['small', 'large'],
  ),
  policyShare: share(
    '--policy-share <SHARE>',
    'tokens that the router of the round before calls in rollouts',
  ),
};

const SHAPE_FLAGS: FlagTable<Pick<TrainOptions, 'width' | 'isPaperNet'>> = {
  ...widthFlags(256),
  isPaperNet: toggle('--paper-net', "the paper's network, of twice the hidden state's size"),
};

const FEATURE_FLAGS: FlagTable<NonNullable<TrainOptions['features']>> = {
  topLogprobs: count(
    '--top-logprobs <N>',
    'also look at this number of the largest log-probabilities, up to 32',
    TOP_LOGPROBS_MAX,
  ),
  tokenEmbedding: toggle('--token-embedding', 'also look at the embedding of the proposed token'),
  hidden: toggle('--no-hidden', 'do not look at the hidden state'),
};

const BALANCE_FLAGS: FlagTable<Pick<NonNullable<TrainOptions['fit']>, 'balanceMax'>> = {
  balanceMax: number('--balance <N>', 'the greatest weight of the rarer side of labels', BALANCE),
};

const FILE_FLAGS: FlagTable<Pick<TrainOptions, 'file'>> = {
  file: text('--file <FILE>', 'where the router is written (default: OUT/OBJECTIVE.safetensors)'),
};

const QUESTION_FLAGS = { ...questionFlags('train'), ...TRAFFIC_FLAGS };
const NETWORK_FIT_FLAGS = { ...BALANCE_FLAGS, ...FIT_FLAGS };
const NETWORK_FLAGS = { ...SHAPE_FLAGS, ...FEATURE_FLAGS, ...NETWORK_FIT_FLAGS };
const ROLLOUT_FLAGS = rolloutFlags('branch', '');
const RUN_FLAGS = { ...SEED_FLAGS, ...answeringFlags(TRAINING_WAVE_SIZE_MAX), ...PAIR_FLAGS };

export function registerTrainRouter(
  train: Command,
  io: CliIo,
  dependencies: CliDependencies,
): void {
  const command = train
    .command('router')
    .summary('train a router of tokens (CITER or an objective to compare it with)')
    .description('Trains a router, which chooses the tokens that the large model should write.');
  const flags = {
    ...{ ...QUESTION_FLAGS, ...LABEL_FLAGS, ...ROLLOUT_FLAGS },
    ...{ ...NETWORK_FLAGS, ...RUN_FLAGS },
  };
  addFlags(command, flags).option(
    '--out <FOLDER>',
    'the folder of labels, checkpoints and the router (default: training/TASK-PAIR)',
  );
  addFlags(command, FILE_FLAGS)
    .option('--json', 'print one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (parsed: OtherOptions) => {
      await run(parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function run(parsed: OtherOptions, io: CliIo, dependencies: CliDependencies): Promise<void> {
  const bar = progressBar(io);
  const isJson = parsed.json === true;
  let isTitled = false;
  try {
    const options = trainOptions(parsed);
    const trained = await dependencies.train({
      ...options,
      signal: io.signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
      onRound: (report) => {
        if (isJson) return;
        bar.stop();
        if (!isTitled) io.out(`${io.color.bold(ROUND_TITLES)}\n`);
        isTitled = true;
        io.out(renderRound(report));
      },
    });
    bar.stop();
    const { rounds, path, router, solvedCount, questionCount } = trained;
    if (isJson) {
      const { network: _1, trainedOn: _2, calibratedOn: _3, ...facts } = router;
      io.out(`${JSON.stringify({ path, questionCount, solvedCount, rounds, router: facts })}\n`);
    } else io.out(renderTrained(trained, modelFlags(options), io.color));
  } finally {
    bar.stop();
  }
}

function trainOptions(parsed: OtherOptions): TrainOptions {
  const given = readFlags({ ...QUESTION_FLAGS, ...RUN_FLAGS }, parsed);
  return {
    ...given,
    ...readFlags({ ...LABEL_FLAGS, ...ROLLOUT_FLAGS, ...SHAPE_FLAGS, ...FILE_FLAGS }, parsed),
    features: readFlags(FEATURE_FLAGS, parsed),
    fit: readFlags(NETWORK_FIT_FLAGS, parsed),
    folder: parsed.out ?? folderFor(given),
  };
}

function folderFor(options: DefinedFields<QuestionOptions & PairOptions>): string {
  const { task, traffic, slice } = options;
  return defaultFolder('training', [slice ?? task ?? traffic, pairWord(options)]);
}
