/** `pilotfish eval`: accuracy against cost of strategies on a task, with controls and intervals. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { EvaluateOptions } from '../../app/evaluate.ts';
import { definedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import { WAVE_SIZE_MAX } from '../../evaluation/run/sequence-counts.ts';
import { writeWhole } from '../../storage/whole-file.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { collectText } from '../options/collect-text.ts';
import {
  addPairOptions,
  addRouterOption,
  type PairFlags,
  pairOptions,
} from '../options/generation-options.ts';
import { integerFrom, numberParser } from '../options/parse-number.ts';
import { shareParser, sharesParser } from '../options/parse-shares.ts';
import {
  addQuestionOptions,
  QUESTION_COUNT_MAX,
  type QuestionFlags,
  questionOptions,
} from '../options/question-options.ts';
import { progressBar } from '../rendering/progress-bar.ts';
import { renderEvaluation } from '../rendering/render-evaluation.ts';

interface EvalOptions extends QuestionFlags, PairFlags {
  readonly trainedOn?: readonly string[];
  readonly strategies?: string;
  readonly shares?: readonly number[];
  readonly points?: number;
  readonly seeds?: number;
  readonly screen?: number;
  readonly maxTokens?: number;
  readonly wave?: number;
  readonly profile?: readonly string[];
  readonly checkLive?: number;
  readonly out?: string;
  readonly logs?: boolean;
  readonly cache: boolean;
  readonly router?: readonly string[];
  readonly json?: boolean;
  readonly color: boolean;
}

const NOTES = `Both models always answer alone, too. A strategy without a threshold (entropy) gets points
where its curve rises; with one (entropy@1,entropy@2) it runs there. Answers are kept in
--out: an evaluation can be stopped and taken up again, and asked for more points, at any
moment.

Examples:
  pilotfish eval --task pocket --pair pocket --count 250
  pilotfish eval --task gsm8k --data ~/data --slice gsm8k-test-400 --screen 25%
  pilotfish eval --task mine.jsonl --strategies entropy,random --shares 5%,10%,30%
  pilotfish eval --task pocket --pair pocket --count 100 --json > result.json
  pilotfish report result.json`;

/** Where the result cannot be written. */
const OTHERWISE =
  'give another folder with --out: the answers are kept, and the result is made of them';

export function registerEval(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const count = (name: string, max = QUESTION_COUNT_MAX) => numberParser(name, integerFrom(1, max));
  const command = addQuestionOptions(
    program
      .command('eval')
      .summary('measure accuracy against cost on a task, with controls')
      .description(
        'Measures accuracy against cost of strategies on a task, with both models alone, random ' +
          'controls and confidence intervals.',
      ),
    'test',
  )
    .option(
      '--trained-on <QUESTIONS>',
      'refuse questions that are also here: TASK/SPLIT or a .jsonl file; repeatable',
      collectText,
    )
    .option('--strategies <LIST>', 'NAME or NAME@THRESHOLD, separated by commas (default: all)')
    .option(
      '--shares <LIST>',
      'shares of tokens or answers for the large model',
      sharesParser('--shares'),
    )
    .option(
      '--points <N>',
      'points of a curve without --shares (default: 6)',
      count('--points', 64),
    )
    .option('--seeds <N>', 'runs of random strategies (default: 3)', count('--seeds', 64))
    .option(
      '--screen <SHARE>',
      'run this share of the questions on which both models do alike (default: all)',
      shareParser('--screen'),
    )
    .option('--max-tokens <N>', 'tokens of an answer at most (default: 512)', count('--max-tokens'))
    .option('--wave <N>', 'questions side by side (default: 16)', count('--wave', WAVE_SIZE_MAX));
  addRouterOption(addPairOptions(command))
    .option(
      '--profile <NAME>',
      'also predict times on this machine profile; repeatable',
      collectText,
    )
    .option('--check-live <N>', 'give N answers again, nothing remembered', count('--check-live'))
    .option('--out <FOLDER>', 'where answers are kept (default: evaluations/TASK-PAIR)')
    .option('--logs', 'also keep every event of every run')
    .option('--no-cache', 'remember no rows beyond this run')
    .option('--json', 'print the result as one JSON object')
    .option('--no-color', 'no colours')
    .addHelpText('after', `\n${NOTES}`)
    .action(async (options: EvalOptions) => {
      await evaluateCommand(options, options.color ? io : withoutColor(io), dependencies);
    });
}

async function evaluateCommand(
  options: EvalOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const bar = progressBar(io);
  const folder = options.out ?? defaultFolder(options);
  try {
    const path = join(folder, 'result.json');
    const evaluated = await dependencies.evaluate({
      ...evaluateOptions(options, dependencies),
      folder,
      signal: io.signal,
      onProgress: bar.onProgress,
      onNotice: bar.onNotice,
      onResult: (found) => writeWhole(path, `${JSON.stringify(found)}\n`, OTHERWISE),
    });
    bar.stop();
    const { result, liveCheck, rowCounts } = evaluated;
    const printed = { ...result, liveCheck, rowCounts };
    if (options.json === true) io.out(`${JSON.stringify(printed)}\n`);
    else io.out(renderEvaluation(evaluated, path, io.color));
  } finally {
    bar.stop();
  }
}

function evaluateOptions(
  options: EvalOptions,
  dependencies: CliDependencies,
): Omit<EvaluateOptions, 'folder'> {
  return {
    ...questionOptions(options),
    ...pairOptions(options),
    ...definedFields({
      trainedOn: options.trainedOn,
      shares: options.shares,
      pointCount: options.points,
      seedCount: options.seeds,
      screenShare: options.screen,
      maxTokens: options.maxTokens,
      waveSize: options.wave,
      profiles: options.profile,
      liveCheckCount: options.checkLive,
      logs: options.logs,
      routerFiles: options.router,
    }),
    keepsRows: options.cache,
    ...(options.strategies === undefined
      ? {}
      : { strategies: strategyList(options.strategies, dependencies) }),
  };
}

/** @throws PilotfishError `option-invalid`, and what the strategies themselves give cause for */
function strategyList(text: string, { parseStrategy }: CliDependencies): readonly string[] {
  const names = text.split(',').map((part) => part.trim());
  if (names.includes('')) {
    throw new PilotfishError('option-invalid', `--strategies is "${text}", with an empty name.`, {
      remedy: 'Give --strategies as names separated by commas.',
      fields: { option: '--strategies', value: text },
    });
  }
  for (const name of names) parseStrategy(name);
  return names;
}

function defaultFolder({ task, slice, split, pair, small, large }: EvalOptions): string {
  const models = pair ?? [small, large].filter((name) => name !== undefined).join('-');
  const words = [
    slice ?? `${task ?? 'questions'}${split === undefined ? '' : `-${split}`}`,
    models,
  ];
  const name = words.filter((word) => word !== '').join('-');
  return join('evaluations', name.replaceAll(/[^\w.-]+/g, '-'));
}
