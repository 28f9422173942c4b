/** `pilotfish train router`: labels by rollouts, and a network that learns them. */
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import type { TrainOptions } from '../../../app/train.ts';
import { definedFields } from '../../../core/defined-fields.ts';
import type { ModelRole } from '../../../core/events.ts';
import { OBJECTIVES, type Objective } from '../../../training/labels/targets.ts';
import { TRAINING_WAVE_SIZE_MAX } from '../../../training/sequence-counts.ts';
import type { CliDependencies } from '../../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../../io.ts';
import { addPairOptions, type PairFlags, pairOptions } from '../../options/generation-options.ts';
import { integerFrom, type NumberRange, numberParser } from '../../options/parse-number.ts';
import { shareParser } from '../../options/parse-shares.ts';
import {
  addQuestionOptions,
  type QuestionFlags,
  questionOptions,
} from '../../options/question-options.ts';
import { progressBar } from '../../rendering/progress-bar.ts';
import { ROUND_TITLES, renderRound, renderTrained } from '../../rendering/render-training.ts';

interface TrainRouterFlags extends QuestionFlags, PairFlags {
  readonly objective: Objective;
  readonly rounds?: number;
  readonly rollouts?: number;
  readonly rolloutCap?: number;
  readonly positions?: number;
  readonly firstPolicy?: ModelRole;
  readonly policyShare?: number;
  readonly width?: number;
  readonly paperNet?: boolean;
  readonly topLogprobs?: number;
  readonly tokenEmbedding?: boolean;
  readonly hidden: boolean;
  readonly rate?: number;
  readonly balance?: number;
  readonly epochs?: number;
  readonly patience?: number;
  readonly seed?: number;
  readonly maxTokens?: number;
  readonly wave?: number;
  readonly out?: string;
  readonly file?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `The large model answers every question; along its right answers, at tokens where the two models
differ, both tokens are tried out (rolled out) and graded. From the second round on the router
of the round before takes part. Everything is kept in --out: a training can be stopped and
taken up again at any moment, and other objectives use the same answers and readings.

Examples:
  pilotfish train router --task pocket --pair pocket --count 1200 --question-seed 7
  pilotfish train router --task svamp --data ~/data --split train --max-tokens 256
  pilotfish train router --task mine.jsonl --objective citer-s --out training/mine
  pilotfish ask --router training/mine/citer-s.safetensors --strategy citer-s@10% "..."`;

const POSITIVE: NumberRange = {
  holds: (value) => value > 0 && value <= 1,
  says: 'a number above 0, at most 1',
};
const BALANCE: NumberRange = {
  holds: (value) => value >= 1 && value <= 1000,
  says: 'a number from 1 to 1000',
};
const ROUNDS_MAX = 8;
const ROLLOUTS_MAX = 64;
const WAVE_MAX = TRAINING_WAVE_SIZE_MAX;

export function registerTrainRouter(
  train: Command,
  io: CliIo,
  dependencies: CliDependencies,
): void {
  const count = (name: string, max = 10_000_000) => numberParser(name, integerFrom(1, max));
  const command = addQuestionOptions(
    train
      .command('router')
      .summary('train a router of tokens (CITER and what it is compared with)')
      .description('Trains a router: which tokens the large model should write.'),
    'train',
  )
    .option('--traffic <FILE>', 'instead of a task: prompts without answers, as JSON lines')
    .addOption(
      new Option('--objective <NAME>', 'what it is trained towards')
        .choices(OBJECTIVES)
        .default('citer'),
    )
    .option(
      '--rounds <N>',
      'rounds of labels and training (default: 2)',
      count('--rounds', ROUNDS_MAX),
    )
    .option(
      '--rollouts <N>',
      'rollouts of each branch; more than one are drawn (default: 1, greedy)',
      count('--rollouts', ROLLOUTS_MAX),
    )
    .option('--rollout-cap <N>', 'rollouts of a round at most', count('--rollout-cap'))
    .option(
      '--positions <N>',
      'positions of an answer that are judged, at most (default: 24)',
      count('--positions', 4096),
    )
    .addOption(
      new Option(
        '--first-policy <MODEL>',
        'which model goes on after a token in the first round (default: small)',
      ).choices(['small', 'large']),
    )
    .option(
      '--policy-share <SHARE>',
      'tokens that the router of the round before calls in rollouts',
      shareParser('--policy-share'),
    )
    .option('--width <N>', 'units of the hidden layer (default: 256)', count('--width', 65536))
    .option('--paper-net', "the paper's network, of twice the hidden state's size")
    .option(
      '--top-logprobs <N>',
      'also look at so many of the largest log-probabilities, up to 32',
      count('--top-logprobs', 32),
    )
    .option('--token-embedding', 'also look at the embedding of the token that is proposed')
    .option('--no-hidden', 'do not look at the hidden state')
    .option('--rate <RATE>', 'step size of the optimiser', numberParser('--rate', POSITIVE))
    .option(
      '--balance <N>',
      'count the rarer side of labels up to so many times more',
      numberParser('--balance', BALANCE),
    )
    .option('--epochs <N>', 'epochs at most', count('--epochs', 100_000))
    .option('--patience <N>', 'epochs without progress that end it', count('--patience', 100_000))
    .option('--seed <N>', 'of everything random (default: 1)', count('--seed'))
    .option('--max-tokens <N>', 'tokens of an answer at most (default: 512)', count('--max-tokens'))
    .option('--wave <N>', 'questions side by side (default: 16)', count('--wave', WAVE_MAX));
  addPairOptions(command)
    .option('--out <FOLDER>', 'where everything is kept (default: training/TASK-PAIR)')
    .option('--file <FILE>', 'where the router is written (default: OUT/OBJECTIVE.safetensors)')
    .option('--json', 'print one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (flags: TrainRouterFlags) => {
      await run(flags, flags.color ? io : withoutColor(io), dependencies);
    });
}

async function run(
  flags: TrainRouterFlags,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  const isJson = flags.json === true;
  let isTitled = false;
  try {
    const trained = await dependencies.train({
      ...trainOptions(flags),
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
    } else io.out(renderTrained(trained, io.color));
  } finally {
    bar.stop();
  }
}

function trainOptions(flags: TrainRouterFlags): TrainOptions {
  const fit = definedFields({
    rate: flags.rate,
    balanceMax: flags.balance,
    epochCountMax: flags.epochs,
    patience: flags.patience,
  });
  return {
    ...questionOptions(flags),
    ...pairOptions(flags),
    ...definedFields({
      roundCount: flags.rounds,
      drawCount: flags.rollouts,
      rolloutCountMax: flags.rolloutCap,
      positionCountMax: flags.positions,
      firstPolicy: flags.firstPolicy,
      policyShare: flags.policyShare,
      width: flags.width,
      isPaperNet: flags.paperNet,
      seed: flags.seed,
      maxTokens: flags.maxTokens,
      waveSize: flags.wave,
      file: flags.file,
    }),
    objective: flags.objective,
    features: {
      hidden: flags.hidden,
      topLogprobs: flags.topLogprobs ?? 0,
      tokenEmbedding: flags.tokenEmbedding ?? false,
    },
    fit,
    folder: flags.out ?? defaultFolder(flags),
  };
}

function defaultFolder({ task, traffic, slice, pair, small, large }: TrainRouterFlags): string {
  const models = pair ?? [small, large].filter((name) => name !== undefined).join('-');
  const name = [slice ?? task ?? traffic, models].filter((word) => word).join('-');
  return join('training', name.replaceAll(/[^\w.-]+/g, '-'));
}
