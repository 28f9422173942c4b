/**
 * Turns a request into prompt tokens. It is rendered and tokenised once, with the template of the large
 * model if there is one, because both models must read the same tokens.
 */
import type { ChatMessage } from '../core/chat-message.ts';
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { ModelRole } from '../core/model-id.ts';
import { type TokenId, tokenId } from '../core/token-id.ts';
import type { Vocabulary } from '../model/roles.ts';
import type { CheckedRequest } from './checked-request.ts';
import type { EngineModel } from './model-set.ts';
import type { MarkedText, TextTokens } from './text-tokens.ts';

export interface PromptModels {
  readonly small: EngineModel | null;
  readonly large: EngineModel | null;
  /** The model whose chat template holds where the two differ; null refuses such a pair. */
  readonly template: ModelRole | null;
  /** The tokens of texts, with the vocabulary of the large model if there is one. */
  readonly texts: TextTokens;
}

/**
 * @param contextLength the prompt and at least one token must fit
 * @throws PilotfishError `template-failed`, `template-mismatch`, `prompt-too-long`
 */
export function promptTokens(
  input: CheckedRequest['input'],
  models: PromptModels,
  contextLength: number,
): TokenId[] {
  const tokens = 'tokenIds' in input ? givenTokens(input.tokenIds, models) : [];
  if (!('tokenIds' in input)) {
    const marked = markedText(input, models);
    checkLength(marked, contextLength);
    for (const token of models.texts.tokens(marked)) tokens.push(token);
  }
  checkTokens(tokens, models);
  if (tokens.length < contextLength) return tokens;
  throw new PilotfishError(
    'prompt-too-long',
    `The prompt has ${tokens.length} tokens; the context of ${contextLength} has room for ` +
      `${contextLength - 1} and one to answer.`,
    {
      remedy: 'Shorten the prompt or give a larger --context.',
      fields: { promptTokenCount: tokens.length, contextLength },
    },
  );
}

function markedText(
  input: Exclude<CheckedRequest['input'], { tokenIds: unknown }>,
  models: PromptModels,
): MarkedText {
  if ('messages' in input) {
    return models.texts.rendered(input.messages, (messages) => render(messages, models));
  }
  return input.parseSpecial ? { text: input.prompt, mark: null } : models.texts.plain(input.prompt);
}

/** @throws PilotfishError `option-invalid` for an id that the vocabulary does not have */
function givenTokens(ids: readonly number[], models: PromptModels): TokenId[] {
  const { size } = mainVocabulary(models);
  const unknown = ids.find((id) => id >= size);
  if (unknown === undefined) return ids.map(tokenId);
  throw new PilotfishError(
    'option-invalid',
    `promptTokenIds has ${unknown}, and the vocabulary has ${size} tokens.`,
    {
      remedy: 'Tokenise the prompt with the vocabulary of the large model.',
      fields: { option: 'promptTokenIds', value: unknown, size },
    },
  );
}

function mainVocabulary({ small, large }: PromptModels): Vocabulary {
  return required(large ?? small, 'an engine has a model').vocabulary;
}

/**
 * Refuses a text that is far too long before it is tokenised: tokenising megabytes would delay all
 * requests for seconds.
 */
function checkLength({ text: marked, mark }: MarkedText, contextLength: number): void {
  const lengthMax = contextLength * CHARACTERS_PER_TOKEN_MAX;
  const text = mark === null ? marked : marked.replaceAll(mark, '');
  if (text.length <= lengthMax) return;
  throw new PilotfishError(
    'prompt-too-long',
    `The prompt has ${text.length} characters, far more than fit in a context of ` +
      `${contextLength} tokens.`,
    {
      remedy: 'Shorten the prompt or give a larger --context.',
      fields: { length: text.length, contextLength },
    },
  );
}

function checkTokens(tokens: readonly TokenId[], { small }: PromptModels): void {
  if (tokens.length === 0) {
    throw new PilotfishError('prompt-empty', 'The prompt has no token in this vocabulary.', {
      remedy: 'Give another prompt, or a model that knows its characters.',
    });
  }
  const unknown = tokens.find((token) => small !== null && token >= small.vocabulary.size);
  if (unknown === undefined) return;
  throw new PilotfishError(
    'vocabulary-mismatch',
    `The prompt needs token ${unknown}, which only the large model has.`,
    { remedy: 'Choose two models of one family.', fields: { tokenId: unknown } },
  );
}

/** Text has about four characters per token. Only runs of white space come near this number. */
const CHARACTERS_PER_TOKEN_MAX = 32;

function render(messages: readonly ChatMessage[], models: PromptModels): string {
  const { small, large, template } = models;
  if (small === null || large === null || template !== null) {
    const chosen = template === null ? (large ?? small) : models[template];
    return required(chosen ?? large ?? small, 'an engine has a model').vocabulary.renderChat(
      messages,
    );
  }
  const [ofSmall, ofLarge] = [small, large].map(({ vocabulary }) =>
    vocabulary.renderChat(messages),
  );
  if (ofSmall !== ofLarge) {
    throw new PilotfishError(
      'template-mismatch',
      `${small.facts.name} and ${large.facts.name} render conversations differently.`,
      { remedy: 'Say which template holds: --template small or --template large.' },
    );
  }
  return required(ofLarge, 'the large model rendered');
}
