/** `pilotfish ask`: one prompt, one answer. */
import type { Command } from 'commander';
import { PilotfishError } from '../../core/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { Answer } from '../answer.ts';
import { jsonView, plainView, showAnswer, terminalView } from '../answer-view.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import {
  addGenerationOptions,
  type GenerationOptions,
  requestFields,
  STRATEGY_DEFAULT,
} from '../generation-options.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { openForCommand } from '../open-for-command.ts';
import { readPrompt } from '../read-prompt.ts';
import { renderSummary } from '../render-summary.ts';
import { strategyHelp } from '../strategy-help.ts';
import { renderLegend } from '../token-style.ts';

interface AskOptions extends GenerationOptions {
  readonly strategy: string;
  readonly raw?: boolean;
}

const EXAMPLES = `Examples:
  pilotfish ask "Write a function that reverses a string."
  pilotfish ask --strategy speculative --seed 7 --temperature 0.8 "Tell a story."
  pilotfish ask --strategy entropy@2 --json < prompt.txt > events.jsonl
  cat notes.txt | pilotfish ask --system "Summarise in one sentence."`;

const OUTPUT =
  "On a terminal the answer's colours show who wrote what, and a summary follows. In a pipe " +
  'standard output is the exact answer, and the summary goes to standard error.';

export function registerAsk(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('ask')
    .summary('answer one prompt')
    .description(`Answers one prompt.\n\n${OUTPUT}`)
    .argument('[prompt]', 'the prompt; absent or -: standard input')
    .option('--strategy <NAME[@THRESHOLD]>', 'who writes which token', STRATEGY_DEFAULT)
    .option('--system <TEXT>', 'a system message')
    .option('--raw', 'give the prompt to the model as it is, without chat template');
  addGenerationOptions(command)
    .addHelpText('after', `\n${strategyHelp(dependencies.strategies)}\n\n${EXAMPLES}`)
    .action(async (prompt: string | undefined, options: AskOptions) => {
      await ask(prompt, options, options.color ? io : withoutColor(io), dependencies);
    });
}

async function ask(
  argument: string | undefined,
  options: AskOptions,
  io: CliIo,
  dependencies: CliDependencies,
): Promise<void> {
  // Everything that can be wrong with the request is found before a model is loaded.
  dependencies.parseStrategy(options.strategy);
  const request = await askRequest(argument, options, io);
  await using engine = await openForCommand([options.strategy], options, io, dependencies);
  const events = engine.generate({ ...request, signal: io.signal });
  if (options.json === true) {
    await showAnswer(events, jsonView(io));
  } else if (io.outIsTerminal) {
    const legend = renderLegend(io.color);
    if (legend !== '') io.out(`${legend}\n\n`);
    const answer = await showAnswer(events, terminalView(io));
    io.out(`\n${renderSummary(answer, io.columns)}`);
  } else {
    const answer = await showAnswer(events, plainView(io));
    printSummaryAside(answer, io);
  }
}

/** On a screen the summary must not run on from an answer without line end. */
function printSummaryAside(answer: Answer, io: CliIo): void {
  io.err(`${io.errIsTerminal ? '\n' : ''}${renderSummary(answer, io.columns)}`);
}

async function askRequest(
  argument: string | undefined,
  options: AskOptions,
  io: CliIo,
): Promise<GenerateRequest> {
  const isRaw = options.raw === true;
  if (isRaw && options.system !== undefined) {
    throw new PilotfishError('option-invalid', '--raw and --system exclude each other.', {
      remedy: 'Write the system message into the raw prompt.',
      fields: { option: '--system' },
    });
  }
  const prompt = await readPrompt(argument, io, { exact: isRaw });
  const fields = { ...requestFields(options), strategy: options.strategy };
  if (isRaw) return { ...fields, prompt };
  const system = options.system === undefined ? [] : [systemMessage(options.system)];
  return { ...fields, messages: [...system, { role: 'user', content: prompt }] };
}

function systemMessage(content: string): { readonly role: 'system'; readonly content: string } {
  return { role: 'system', content };
}
