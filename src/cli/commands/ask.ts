/** `pilotfish ask`: one prompt, one answer. */
import type { Command } from 'commander';
import { STRATEGY_DEFAULT } from '../../strategy/strategy-value.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { openForCommand } from '../open-for-command.ts';
import {
  addGenerationFlags,
  addProvisionalFlag,
  draftFields,
  type ProvisionalOptions,
  requestFields,
} from '../options/generation-flags.ts';
import {
  addGrammarOptions,
  type GrammarOptions,
  grammarFields,
} from '../options/grammar-options.ts';
import { mayBeUnchecked } from '../options/may-be-unchecked.ts';
import { addPromptOptions, type PromptOptions, promptFields } from '../options/prompt-options.ts';
import { strategyHelp } from '../options/strategy-help.ts';
import type { Answer } from '../rendering/answer.ts';
import { jsonView, plainView, showAnswer, terminalView } from '../rendering/answer-view.ts';
import { renderSummary } from '../rendering/render-summary.ts';
import { renderLegend } from '../rendering/token-style.ts';

interface AskOptions extends PromptOptions, GrammarOptions, ProvisionalOptions {
  readonly strategy: string;
}

const EXAMPLES = `Examples:
  pilotfish ask "Write a function that reverses a string."
  pilotfish ask --strategy speculative --seed 7 --temperature 0.8 "Tell a story."
  pilotfish ask --strategy entropy@2 --json < prompt.txt > events.jsonl
  pilotfish ask --regex "(yes|no), because .*" "Is 91 a prime number?"
  pilotfish ask --strategy rsd-likelihood@0.9 --drafts 4 --provisional "Tom has 3 pens …"
  pilotfish ask --strategy majority --samples 16 "How many minutes are three hours?"
  pilotfish ask --hub ws://127.0.0.1:7433 --strategy uhlm --temperature 1 "Tell a story."
  cat notes.txt | pilotfish ask --system "Summarise in one sentence."`;

const OUTPUT =
  "On a terminal the answer's colours show who wrote what, and a summary follows. In a pipe " +
  'standard output is the exact answer, and the summary goes to standard error.';

export function registerAsk(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('ask')
    .summary('answer one prompt')
    .description(`Answers one prompt.\n\n${OUTPUT}`)
    .option('--strategy <NAME[@THRESHOLD]>', 'who writes which token', STRATEGY_DEFAULT.text);
  addProvisionalFlag(addGenerationFlags(addGrammarOptions(addPromptOptions(command))))
    .addHelpText('after', `\n${strategyHelp(dependencies.methods, io.columns)}\n\n${EXAMPLES}`)
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
  // All errors of the request are found before a model is loaded.
  const strategy = dependencies.parseStrategy(options.strategy);
  const request = {
    ...requestFields(options),
    ...(await grammarFields(options)),
    ...(await promptFields(argument, options, io)),
    strategy,
    ...draftFields(options, io),
    signal: io.signal,
  };
  await using engine = await openForCommand([strategy], options, io, dependencies);
  const events = engine.generate(request);
  if (options.json === true) {
    await showAnswer(events, jsonView(io));
  } else if (io.outIsTerminal) {
    const unchecked = mayBeUnchecked(options);
    const legend = renderLegend(io.color, { drafts: request.drafts, unchecked });
    if (legend !== '') io.out(`${legend}\n\n`);
    const answer = await showAnswer(events, terminalView(io));
    io.out(`\n${renderSummary(answer, io.columns)}`);
  } else {
    const answer = await showAnswer(events, plainView(io));
    printSummaryAside(answer, io);
  }
}

/** Keeps the summary on a screen apart from an answer without a line end. */
function printSummaryAside(answer: Answer, io: CliIo): void {
  io.err(`${io.errIsTerminal ? '\n' : ''}${renderSummary(answer, io.columns)}`);
}
