/** `pilotfish eval`: accuracy against cost of strategies on a task, with controls and intervals. */
import type { Command } from 'commander';
import type { EvaluateOptions } from '../../app/evaluate.ts';
import type { PairOptions } from '../../app/pair-options.ts';
import type { QuestionOptions } from '../../app/questions/load-questions.ts';
import type { DefinedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import { WAVE_SIZE_MAX } from '../../evaluation/run/sequence-counts.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { defaultFolder, pairWord } from '../options/default-folder.ts';
import {
  addFlags,
  count,
  type FlagTable,
  number,
  readFlags,
  share,
  shares,
  texts,
  toggle,
} from '../options/flags.ts';
import { HUB_ADDRESS_FLAGS, hubOptions } from '../options/hub-flags.ts';
import { HEAD_FLAGS, JUDGE_FLAGS, PAIR_FLAGS } from '../options/pair-flags.ts';
import { answeringFlags, QUESTION_COUNT_MAX, questionFlags } from '../options/question-flags.ts';
import { SERVER_FLAGS, serverOptions } from '../options/server-flags.ts';
import { addStepFlags, stepOptions } from '../options/step-flags.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { renderEvaluation } from '../rendering/render-evaluation.ts';

/** The options that no table reads. */
interface OtherOptions {
  readonly strategies?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Both models always answer alone, too. A strategy without a threshold (entropy) gets points
over the interval in which curves are compared; with thresholds (entropy@1,entropy@2) it runs at
these. A curve is compared if six of its points lie in or next to the interval, on both sides.
Answers are kept in --out: an evaluation can be stopped at any moment, resumed, and extended.

Examples:
  pilotfish eval --task pocket --pair pocket --count 250
  pilotfish eval --task gsm8k --data ~/data --slice gsm8k-test-400 --screen 25%
  pilotfish eval --task mine.jsonl --strategies entropy,random --shares 5%,10%,30%
  pilotfish eval --task svamp --data ~/data --strategies majority,rsd-likelihood --samples 16
  pilotfish eval --task pocket --pair pocket --count 100 --json > result.json
  pilotfish report result.json`;

const POINT_COUNT_MAX = 64;
const SEED_COUNT_MAX = 64;
/** For numbers that have no limit of their own. */
const COUNT_MAX = 10_000_000;

const QUESTION_FLAGS = questionFlags('test');

const TRAINED_ON_FLAGS: FlagTable<Pick<EvaluateOptions, 'trainedOn'>> = {
  trainedOn: texts(
    '--trained-on <QUESTIONS>',
    'refuse questions that are also here: TASK/SPLIT or a .jsonl file; repeatable',
  ),
};

const POINT_FLAGS: FlagTable<
  Pick<
    EvaluateOptions,
    'interval' | 'shares' | 'pointCount' | 'seedCount' | 'screenShare' | 'temperature' | 'drawSeed'
  >
> = {
  interval: shares(
    '--interval <LOW,HIGH>',
    "shares between which curves are compared (default: the task's, 2.5%,40%)",
  ),
  shares: shares('--shares <LIST>', 'shares of tokens or answers for the large model'),
  pointCount: count(
    '--points <N>',
    'points of a curve without --shares (default: 7)',
    POINT_COUNT_MAX,
  ),
  seedCount: count('--seeds <N>', 'runs of random strategies (default: 3)', SEED_COUNT_MAX),
  temperature: number('--temperature <T>', 'draw every answer at it (default: 0, greedy)', {
    ...{ holds: (value) => value >= 0 && value <= 100, says: 'a number from 0 to 100' },
  }),
  drawSeed: count('--draw-seed <N>', 'chooses these draws, for all strategies alike', COUNT_MAX),
  screenShare: share(
    '--screen <SHARE>',
    'run this share of the questions on which both models do alike (default: all)',
  ),
};

const MODEL_FLAGS = {
  ...{ ...answeringFlags(WAVE_SIZE_MAX), ...PAIR_FLAGS },
  ...{ ...JUDGE_FLAGS, ...HEAD_FLAGS },
};

const CHECK_FLAGS: FlagTable<Pick<EvaluateOptions, 'profiles' | 'liveCheckCount'>> = {
  profiles: texts('--profile <NAME>', 'also predict times on this machine profile; repeatable'),
  liveCheckCount: count(
    '--check-live <N>',
    'give N answers again, nothing remembered',
    QUESTION_COUNT_MAX,
  ),
};

const KEEPING_FLAGS: FlagTable<Pick<EvaluateOptions, 'logs' | 'keepsRows'>> = {
  logs: toggle('--logs', 'also keep every event of every run'),
  keepsRows: toggle('--no-cache', 'remember no rows beyond this run'),
};

export function registerEval(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('eval')
    .summary('measure accuracy against cost on a task, with controls')
    .description(
      'Measures accuracy against cost of strategies on a task, with both models alone, random ' +
        'controls and confidence intervals.',
    );
  addFlags(command, { ...QUESTION_FLAGS, ...TRAINED_ON_FLAGS }).option(
    '--strategies <LIST>',
    'NAME or NAME@THRESHOLD, separated by commas (default: all)',
  );
  addStepFlags(addFlags(command, POINT_FLAGS));
  addFlags(command, {
    ...MODEL_FLAGS,
    ...SERVER_FLAGS,
    ...HUB_ADDRESS_FLAGS,
    ...CHECK_FLAGS,
  }).option('--out <FOLDER>', 'where answers are kept (default: evaluations/TASK-PAIR)');
  addFlags(command, KEEPING_FLAGS)
    .option('--json', 'print the result as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (parsed: OtherOptions) => {
      const options = evaluateOptions(parsed, dependencies);
      await run(options, parsed, parsed.color ? io : withoutColor(io), dependencies);
    });
}

async function run(
  options: EvaluateOptions,
  { json }: OtherOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  try {
    const { onProgress, onNotice } = bar;
    const evaluated = await dependencies.evaluate({
      ...options,
      signal: io.signal,
      onProgress,
      onNotice,
    });
    bar.stop();
    const { result, liveCheck, rowCounts } = evaluated;
    if (json === true) io.out(`${JSON.stringify({ ...result, liveCheck, rowCounts })}\n`);
    else io.out(renderEvaluation(evaluated, io.color));
  } finally {
    bar.stop();
  }
}

function evaluateOptions(parsed: OtherOptions, dependencies: CliDependencies): EvaluateOptions {
  const given = readFlags({ ...QUESTION_FLAGS, ...MODEL_FLAGS }, parsed);
  const { strategies, out } = parsed;
  const hub = hubOptions(parsed);
  return {
    ...given,
    ...readFlags({ ...TRAINED_ON_FLAGS, ...POINT_FLAGS, ...CHECK_FLAGS, ...KEEPING_FLAGS }, parsed),
    ...stepOptions(parsed),
    ...hub,
    ...serverOptions(parsed),
    strategies: strategies === undefined ? undefined : strategyList(strategies, dependencies),
    // The same answers would have no bytes of a link.
    folder: out ?? `${folderFor(given)}${hub.hub === undefined ? '' : '-hub'}`,
  };
}

/** @throws PilotfishError `option-invalid`, and the errors of parsing a strategy */
function strategyList(text: string, { parseStrategy }: CliDependencies): readonly StrategyValue[] {
  const names = text.split(',').map((part) => part.trim());
  if (names.includes('')) {
    throw new PilotfishError('option-invalid', `--strategies is "${text}", with an empty name.`, {
      remedy: 'Give --strategies as names separated by commas.',
      fields: { option: '--strategies', value: text },
    });
  }
  return names.map((name) => parseStrategy(name));
}

function folderFor(options: DefinedFields<QuestionOptions & PairOptions>): string {
  const { task = 'questions', slice, split } = options;
  const questions = slice ?? (split === undefined ? task : `${task}-${split}`);
  return defaultFolder('evaluations', [questions, pairWord(options)]);
}
