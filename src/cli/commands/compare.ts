/** `pilotfish compare`: one prompt under several strategies, with the cost of each. */
import type { Command } from 'commander';
import { PilotfishError } from '../../core/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import type { CliDependencies, CliEngine } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { openForCommand } from '../open-for-command.ts';
import { addGenerationFlags, requestFields } from '../options/generation-flags.ts';
import {
  addGrammarOptions,
  type GrammarOptions,
  grammarFields,
} from '../options/grammar-options.ts';
import { addPromptOptions, type PromptOptions, promptFields } from '../options/prompt-options.ts';
import { strategyHelp } from '../options/strategy-help.ts';
import { showAnswer } from '../rendering/answer-view.ts';
import type { ComparedAnswer } from '../rendering/comparison.ts';
import { type ComparisonView, comparisonView } from '../rendering/comparison-view.ts';

const STRATEGIES_DEFAULT = 'small,large,entropy,margin,random@0.3,speculative';
const STRATEGY_COUNT_MAX = 32;

interface CompareOptions extends PromptOptions, GrammarOptions {
  readonly strategies: string;
}

const EXAMPLES = `Examples:
  pilotfish compare "Write a function that reverses a string."
  pilotfish compare --strategies large,entropy@1,entropy@2 --max-tokens 100 - < prompt.txt
  pilotfish compare --json-schema schema.json "Name a river and its length."
  pilotfish compare --strategies small,large --json "2 + 2 =" | tail -n 1`;

export function registerCompare(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('compare')
    .summary('answer one prompt with several strategies')
    .description('Answers one prompt with several strategies, and tells the cost of each.')
    .option('--strategies <LIST>', 'strategies, separated by commas', STRATEGIES_DEFAULT);
  addGenerationFlags(addGrammarOptions(addPromptOptions(command)))
    .addHelpText('after', `\n${strategyHelp(dependencies.methods, io.columns)}\n\n${EXAMPLES}`)
    .action(async (prompt: string | undefined, options: CompareOptions) => {
      await compare(prompt, options, options.color ? io : withoutColor(io), dependencies);
    });
}

async function compare(
  argument: string | undefined,
  options: CompareOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  const strategies = parseStrategies(options.strategies, dependencies);
  const request = {
    ...requestFields(options),
    ...(await grammarFields(options)),
    ...(await promptFields(argument, options, io)),
    // Each answer has its own cost, independent of earlier runs.
    reusePrefix: false,
    signal: io.signal,
  };
  await using engine = await openForCommand(strategies, options, io, dependencies);
  await runAll(engine, strategies, request, comparisonView(options.json === true, io));
}

/** Runs one after another. If one fails, those before it are still compared. */
async function runAll(
  engine: CliEngine,
  strategies: readonly StrategyValue[],
  request: GenerateRequest,
  view: ComparisonView,
): Promise<void> {
  const compared: ComparedAnswer[] = [];
  try {
    for (const strategy of strategies) {
      const run = strategy.text;
      const answer = await showAnswer(engine.generate({ ...request, strategy }), view.run(run));
      compared.push({ run, answer });
    }
  } finally {
    if (compared.length > 0) view.end(compared);
  }
}

/** @throws PilotfishError `option-invalid`, and the errors of the strategies */
function parseStrategies(
  text: string,
  { parseStrategy }: CliDependencies,
): readonly StrategyValue[] {
  const strategies = text.split(',').map((part) => part.trim());
  const invalid = (why: string): PilotfishError =>
    new PilotfishError('option-invalid', `--strategies is "${text}", which ${why}.`, {
      remedy: 'Give --strategies as names separated by commas, each once.',
      fields: { option: '--strategies', value: text },
    });
  if (strategies.includes('')) throw invalid('has an empty name');
  if (new Set(strategies).size < strategies.length) throw invalid('has a name twice');
  if (strategies.length > STRATEGY_COUNT_MAX) {
    throw invalid(`has more than ${STRATEGY_COUNT_MAX} names`);
  }
  return strategies.map((strategy) => parseStrategy(strategy));
}
