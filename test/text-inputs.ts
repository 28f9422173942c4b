/** Conversations that come close to special tokens, or name them. */
import fc from 'fast-check';
import type { ChatMessage } from '../src/core/chat-message.ts';
import type { Vocabulary } from '../src/model/roles.ts';
import { SpecialStrings } from '../src/vocabulary/special-strings.ts';

/** What texts are made of, with parts of special tokens and things that look like one. */
export const PLAIN_PIECES: readonly string[] = [
  ...[
    'the fox',
    'in',
    'a',
    ' ',
    '  ',
    '\n',
    '\n\n',
    '\t',
    '.',
    'é',
    '日本',
    '🐟',
    '\u{e000}',
    '12',
  ],
  ...['<', '>', '|', '/', '<|', '|>', '[', ']', 's>', 'im_', 'end', 'think', '<b>', '</b>', '\r\n'],
  ...['<|IM_END|>', '< |im_end|>', '<|im end|>', '<|im_end>', '<s >', '_of_turn>', '\ud800', '▁'],
];

/** Special tokens as texts, and pieces of them. */
export function specialPieces({ specialTokens }: Vocabulary): readonly string[] {
  return specialTokens.flatMap(({ text }) => [text, text.slice(0, -1), text.slice(1)]);
}

/** A conversation in turns that ends with the user's, with a system message or without. */
export function anyConversation(pieces: readonly string[]): fc.Arbitrary<readonly ChatMessage[]> {
  const text = fc
    .array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 12 })
    .map((parts) => parts.join(''))
    .filter((content) => content.trim() !== '');
  return fc
    .array(text, { minLength: 1, maxLength: 4 })
    .map((contents) => contents.slice(contents.length % 2 === 0 ? 1 : 0))
    .map((contents) =>
      contents.map(
        (content, at): ChatMessage => ({ role: at % 2 === 0 ? 'user' : 'assistant', content }),
      ),
    );
}

/** Whether the rendered conversation has no other special strings than it has with other texts. */
export function namesNothing(vocabulary: Vocabulary, messages: readonly ChatMessage[]): boolean {
  const strings = new SpecialStrings(vocabulary.specialTokens.map(({ text }) => text));
  const count = (given: readonly ChatMessage[]): number =>
    [...strings.matches(vocabulary.renderChat(given))].length;
  return count(messages) === count(messages.map(({ role }) => ({ role, content: 'a' })));
}
