/** A request with its defaults filled in and every value checked. */
import type { ChatMessage } from '../core/chat-message.ts';
import { definedFields } from '../core/defined-fields.ts';
import { PilotfishError } from '../core/errors.ts';
import { type SamplingParams, samplingParams } from '../core/sampling-params.ts';
import { type GrammarSource, grammarSource } from '../grammar/grammar-request.ts';
import type { StrategyValue } from '../strategy/method.ts';
import { asStrategy, STRATEGY_DEFAULT } from '../strategy/strategy-value.ts';
import { STOP_STRING_COUNT_MAX, STOP_STRING_LENGTH_MAX } from '../vocabulary/stop-matcher.ts';
import { MAX_TOKENS_DEFAULT, PROMPT_LENGTH_MAX } from './limits.ts';
import type { GenerateRequest, ReadsFinalAnswer } from './request.ts';

export interface CheckedRequest {
  readonly input:
    | { readonly messages: readonly ChatMessage[] }
    | { readonly prompt: string; readonly parseSpecial: boolean }
    | { readonly tokenIds: readonly number[] };
  readonly strategy: StrategyValue;
  readonly sampling: SamplingParams;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly seed: number;
  readonly logprobs: boolean;
  readonly drafts: boolean;
  readonly reusePrefix: boolean;
  /** The grammar of the answer; absent: any text. */
  readonly grammar?: GrammarSource;
  readonly finalAnswer?: ReadsFinalAnswer;
}

/**
 * @throws PilotfishError `option-invalid`, `prompt-empty`, `prompt-too-long`, `strategy-unknown`,
 *   `threshold-invalid`, `grammar-invalid`
 */
export function checkRequest(request: GenerateRequest): CheckedRequest {
  const { maxTokens = MAX_TOKENS_DEFAULT, seed = 0, stop = [] } = request;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw invalid('maxTokens', maxTokens, 'an integer from 1 up');
  }
  if (!Number.isSafeInteger(seed)) throw invalid('seed', seed, 'an integer within ±2^53');
  checkStops(stop);
  return {
    input: checkInput(request),
    strategy: asStrategy(request.strategy ?? STRATEGY_DEFAULT),
    sampling: samplingParams(request.sampling),
    maxTokens,
    stop,
    seed,
    logprobs: request.logprobs ?? false,
    drafts: request.drafts ?? false,
    reusePrefix: request.reusePrefix ?? true,
    ...(request.grammar === undefined ? {} : { grammar: grammarSource(request.grammar) }),
    ...definedFields({ finalAnswer: request.finalAnswer }),
  };
}

function checkInput({
  messages,
  prompt,
  promptTokenIds,
  parseSpecial = false,
}: GenerateRequest): CheckedRequest['input'] {
  const given = [messages, prompt, promptTokenIds].filter((input) => input !== undefined);
  if (given.length !== 1) {
    throw new PilotfishError('option-invalid', 'Give either messages, a prompt or its token ids.', {
      remedy: 'Pass exactly one of the three.',
      fields: { option: 'messages' },
    });
  }
  if (parseSpecial && prompt === undefined) throw specialElsewhere();
  if (promptTokenIds !== undefined) return checkTokenIds(promptTokenIds);
  const texts = messages?.map((message) => message.content) ?? [prompt ?? ''];
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (length > PROMPT_LENGTH_MAX) throw tooLong(length, 'characters');
  if ((texts.at(-1) ?? '').trim() === '') throw emptyPrompt();
  if (messages === undefined) return { prompt: prompt ?? '', parseSpecial };
  checkMessages(messages);
  return { messages };
}

/** Templates write roles as they are, so another role could begin or end a turn. */
function checkMessages(messages: readonly ChatMessage[]): void {
  const wrong = messages.find(({ role }) => !ROLES.has(role));
  if (wrong === undefined) return;
  const roles = [...ROLES].join(', ');
  throw new PilotfishError(
    'option-invalid',
    `A message has the role ${JSON.stringify(wrong.role)}.`,
    {
      remedy: `Give each message one of the roles ${roles}.`,
      fields: { option: 'messages', value: wrong.role },
    },
  );
}

const ROLES: ReadonlySet<string> = new Set(['system', 'user', 'assistant']);

function specialElsewhere(): PilotfishError {
  return new PilotfishError('option-invalid', 'parseSpecial is given without a raw prompt.', {
    remedy: 'Leave it out: messages are text, and token ids are tokens already.',
    fields: { option: 'parseSpecial' },
  });
}

function checkTokenIds(tokenIds: readonly number[]): CheckedRequest['input'] {
  if (tokenIds.length === 0) throw emptyPrompt();
  if (tokenIds.length > PROMPT_LENGTH_MAX) throw tooLong(tokenIds.length, 'tokens');
  const wrong = tokenIds.find((id) => !Number.isSafeInteger(id) || id < 0);
  if (wrong === undefined) return { tokenIds };
  throw invalid('promptTokenIds', wrong, 'a list of integers from 0 up');
}

function emptyPrompt(): PilotfishError {
  return new PilotfishError('prompt-empty', 'The prompt is empty.', {
    remedy: 'Give a question or a text to continue.',
  });
}

function tooLong(length: number, unit: string): PilotfishError {
  return new PilotfishError(
    'prompt-too-long',
    `The prompt has ${length} ${unit}; ${PROMPT_LENGTH_MAX} are the limit.`,
    { remedy: 'Shorten the prompt.', fields: { length, limit: PROMPT_LENGTH_MAX } },
  );
}

function checkStops(stop: readonly string[]): void {
  if (stop.length > STOP_STRING_COUNT_MAX) {
    throw invalid('stop', stop.length, `at most ${STOP_STRING_COUNT_MAX} strings`);
  }
  for (const text of stop) {
    if (text.length > 0 && text.length <= STOP_STRING_LENGTH_MAX) continue;
    throw invalid('stop', text.length, `strings of 1 to ${STOP_STRING_LENGTH_MAX} characters`);
  }
}

function invalid(option: string, value: number, says: string): PilotfishError {
  return new PilotfishError('option-invalid', `${option} is ${value}, not ${says}.`, {
    remedy: `Give ${option} as ${says}.`,
    fields: { option, value: String(value) },
  });
}
