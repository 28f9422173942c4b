/** The prompt of ask and compare: one user message, or raw text. */
import type { Command } from 'commander';
import type { ChatMessage } from '../../core/chat-message.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import type { CliIo } from '../io.ts';
import type { GenerationOptions } from './generation-flags.ts';
import { readPrompt } from './read-prompt.ts';

export interface PromptOptions extends GenerationOptions {
  readonly system?: string;
  readonly raw?: boolean;
  readonly parseSpecial?: boolean;
}

export function addPromptOptions(command: Command): Command {
  return command
    .argument('[prompt]', 'the prompt; absent or -: standard input')
    .option('--system <TEXT>', 'a system message')
    .option('--raw', 'give the prompt to the model unchanged, without a chat template')
    .option(
      '--parse-special',
      'with --raw: special tokens in the prompt (<|im_start|>) are tokens, not text',
    );
}

/** @throws PilotfishError `prompt-empty`, `prompt-too-long`, `option-invalid`, `aborted` */
export async function promptFields(
  argument: string | undefined,
  { raw, system, parseSpecial }: PromptOptions,
  io: CliIo,
): Promise<Pick<GenerateRequest, 'messages' | 'prompt' | 'parseSpecial'>> {
  if (parseSpecial === true && raw !== true) {
    throw new PilotfishError('option-invalid', '--parse-special is given without --raw.', {
      remedy: 'Leave it out: the text of a message is text. Or give a raw prompt (--raw).',
      fields: { option: '--parse-special' },
    });
  }
  if (raw === true && system !== undefined) {
    throw new PilotfishError('option-invalid', '--raw and --system exclude each other.', {
      remedy: 'Write the system message into the raw prompt.',
      fields: { option: '--system', value: system },
    });
  }
  const prompt = await readPrompt(argument, io, { exact: raw === true });
  if (raw === true) return parseSpecial === true ? { prompt, parseSpecial } : { prompt };
  const messages: ChatMessage[] = [{ role: 'user', content: prompt }];
  if (system !== undefined) messages.unshift({ role: 'system', content: system });
  return { messages };
}
