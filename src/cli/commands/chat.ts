/** `pilotfish chat`: a conversation, at a prompt or from a pipe. */
import type { Command } from 'commander';
import { throwIfAborted } from '../../core/errors.ts';
import { STRATEGY_DEFAULT } from '../../strategy/strategy-value.ts';
import { CHAT_HELP } from '../chat/chat-command.ts';
import { type ChatOptions, ChatSession } from '../chat/chat-session.ts';
import { type LineReader, lineReader } from '../chat/line-reader.ts';
import type { CliDependencies } from '../cli-dependencies.ts';
import { type CliIo, withoutColor } from '../io.ts';
import { addGenerationFlags, addProvisionalFlag } from '../options/generation-flags.ts';
import { mayBeUnchecked } from '../options/may-be-unchecked.ts';
import { strategyHelp } from '../options/strategy-help.ts';
import { renderLegend } from '../rendering/token-style.ts';

const PROMPT = '> ';

const EXAMPLES = `Examples:
  pilotfish chat
  pilotfish chat --strategy speculative --system "Answer briefly."
  printf 'Hello.\\nWhat did I say?\\n' | pilotfish chat --json`;

export function registerChat(program: Command, io: CliIo, dependencies: CliDependencies): void {
  const command = program
    .command('chat')
    .summary('have a conversation')
    .description(
      'Answers line after line and remembers the conversation. From a pipe each line is one turn.',
    )
    .option('--strategy <NAME[@THRESHOLD]>', 'who writes which token', STRATEGY_DEFAULT.text)
    .option('--system <TEXT>', 'a system message');
  const lines = `Lines that begin with a slash:\n${CHAT_HELP.replaceAll(/^/gm, '  ')}`;
  addProvisionalFlag(addGenerationFlags(command))
    .addHelpText(
      'after',
      `\n${lines}\n\n${strategyHelp(dependencies.methods, io.columns)}\n\n${EXAMPLES}`,
    )
    .action(async (options: ChatOptions) => {
      await chat(options, options.color ? io : withoutColor(io), dependencies);
    });
}

async function chat(options: ChatOptions, io: CliIo, dependencies: CliDependencies): Promise<void> {
  await using session = new ChatSession(options, io, dependencies);
  await session.open();
  if (io.inputIsTerminal && io.outIsTerminal && options.json !== true) greet(io, options);
  const reader = lineReader(io, {
    prompt: options.json === true ? '' : PROMPT,
    onInterrupt: () => interrupt(session, reader),
  });
  try {
    for (let line = await reader.next(); line !== null; line = await reader.next()) {
      throwIfAborted(io.signal);
      if (!(await session.take(line))) break;
    }
    throwIfAborted(io.signal);
  } finally {
    reader.close();
  }
  // At a prompt the user saw each error. A script learns of the first by the exit code.
  if (session.exitCode !== null && !io.inputIsTerminal) io.setExitCode(session.exitCode);
}

/** Ctrl-C on the terminal: stops the answer; at the prompt it leaves. */
function interrupt(session: ChatSession, reader: LineReader): void {
  if (session.interrupt()) return;
  if (!session.isBusy) reader.close();
  // The turn was cancelled and has not ended: end the process like every other command.
  else process.kill(process.pid, 'SIGINT');
}

function greet(io: CliIo, options: ChatOptions): void {
  const unchecked = mayBeUnchecked(options);
  const legend = renderLegend(io.color, { drafts: options.provisional, unchecked });
  io.out(`${legend === '' ? '' : `${legend}\n`}/help lists what else can be typed.\n`);
}
