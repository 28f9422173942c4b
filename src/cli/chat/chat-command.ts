/** One line of a chat: a message, or a command to the program. */
import { PilotfishError } from '../../core/errors.ts';
import { parseSeed } from '../options/generation-flags.ts';

export type ChatLine =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'help' | 'reset' | 'quit' }
  | { readonly kind: 'strategy'; readonly text: string }
  | { readonly kind: 'seed'; readonly seed: number };

export const CHAT_HELP = `/help           this list
/reset          forget the conversation
/strategy NAME  write the next answers with another strategy
/seed N         draw the next answers with another seed
/quit           leave (or Ctrl-D, or Ctrl-C at the prompt)
//text          say "/text"
Ctrl-C          stop the answer that is being written`;

/** @throws PilotfishError `option-invalid` for an unknown command */
export function parseChatLine(line: string): ChatLine {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  if (text.startsWith('//')) return { kind: 'say', text: text.slice(1) };
  if (!text.startsWith('/')) return { kind: 'say', text };
  const [command = '', ...rest] = text.split(/\s+/);
  return parseCommand(command, rest.join(' '));
}

function parseCommand(command: string, argument: string): ChatLine {
  switch (command) {
    case '/help':
      return { kind: 'help' };
    case '/reset':
      return { kind: 'reset' };
    case '/quit':
    case '/exit':
      return { kind: 'quit' };
    case '/strategy':
      return { kind: 'strategy', text: argument };
    case '/seed':
      return { kind: 'seed', seed: parseSeed(argument) };
    default:
      throw new PilotfishError('option-invalid', `There is no command "${command}".`, {
        remedy: 'Type /help for the list, or // to begin a message with a slash.',
      });
  }
}
