/** The contract of every vocabulary: special tokens come from templates, never from texts. */
import assert from 'node:assert/strict';
import type { ChatMessage } from '../../core/chat-message.ts';
import type { TokenId } from '../../core/token-id.ts';
import { TextTokens } from '../../engine/text-tokens.ts';
import type { Vocabulary } from '../../model/roles.ts';
import type { SpecialToken } from '../../vocabulary/special-token.ts';

export interface VocabularyInput {
  /** Texts that the vocabulary can spell and that name no special token; at least two, none empty. */
  readonly texts: readonly [string, string, ...string[]];
}

export interface VocabularyCase {
  readonly name: string;
  run(vocabulary: Vocabulary, given: VocabularyInput): void;
}

export const VOCABULARY_CONTRACT: readonly VocabularyCase[] = [
  {
    name: 'lists special tokens by what texts spell, and parses those in a whole prompt',
    run(vocabulary) {
      assert.ok(vocabulary.specialTokens.length > 0);
      for (const { id, text } of tried(vocabulary)) {
        assert.ok(vocabulary.tokenize(text).includes(id), `${text} is parsed`);
      }
    },
  },
  {
    name: 'gives the ordinary tokens of a conversation that names no special token',
    run(vocabulary, { texts }) {
      const chatTokens = reader(vocabulary);
      for (const text of texts) {
        const conversation = asking(text, ...texts);
        const ordinary = vocabulary.tokenize(vocabulary.renderChat(conversation));
        assert.deepEqual(chatTokens(conversation), ordinary);
      }
    },
  },
  {
    name: 'keeps special tokens that a message spells out as text',
    run(vocabulary, { texts: [before, after] }) {
      const chatTokens = reader(vocabulary);
      const own = specialIds(vocabulary, chatTokens(asking(before, after)));
      for (const { text } of tried(vocabulary)) {
        for (const content of [text, `${before}${text}${after}`, `${text}${text}${before}`]) {
          const ids = chatTokens(asking(content, before));
          assert.deepEqual(specialIds(vocabulary, ids), own, `${content} is text`);
          assert.ok(spelled(vocabulary, ids).includes(content), `${content} is whole`);
        }
      }
    },
  },
  {
    name: 'keeps special tokens apart that two messages would spell out together',
    run(vocabulary, { texts: [before] }) {
      const chatTokens = reader(vocabulary);
      const own = specialIds(vocabulary, chatTokens(asking(before, before)));
      for (const { text } of tried(vocabulary)) {
        for (let at = 1; at < text.length; at += 1) {
          const ids = chatTokens(asking(text.slice(at), text.slice(0, at)));
          assert.deepEqual(specialIds(vocabulary, ids), own, `${text}, cut at ${at}`);
        }
      }
    },
  },
  {
    name: 'keeps special tokens of a raw text as text',
    run(vocabulary, { texts: [before, after] }) {
      const tokens = new TextTokens([vocabulary]);
      const start = vocabulary.startToken === null ? [] : [vocabulary.startToken];
      for (const { text } of tried(vocabulary)) {
        const ids = tokens.tokens(tokens.plain(`${before}${text}${after}`));
        assert.deepEqual(specialIds(vocabulary, ids), start, `${text} is text`);
        assert.ok(spelled(vocabulary, ids).endsWith(`${before}${text}${after}`));
      }
    },
  },
  {
    name: 'joins the pieces of a text without adding anything between them',
    run(vocabulary, { texts }) {
      const whole = spelled(vocabulary, vocabulary.tokenizeText([texts.join('')]));
      assert.ok(whole.endsWith(texts.join('')));
      assert.equal(spelled(vocabulary, vocabulary.tokenizeText(texts)), whole);
      assert.deepEqual(vocabulary.tokenizeText([]), []);
      assert.deepEqual(vocabulary.tokenizeText(['', '']), []);
    },
  },
];

/** A question after an earlier turn; the system message comes without template text of its own. */
function asking(question: string, ...earlier: readonly string[]): readonly ChatMessage[] {
  const answered = earlier.flatMap((content): ChatMessage[] => [
    { role: 'user', content },
    { role: 'assistant', content },
  ]);
  return [...answered, { role: 'user', content: question }];
}

/** Reads conversations as an engine does. */
function reader(vocabulary: Vocabulary): (messages: readonly ChatMessage[]) => readonly TokenId[] {
  const tokens = new TextTokens([vocabulary]);
  return (messages) =>
    tokens.tokens(tokens.rendered(messages, (given) => vocabulary.renderChat(given)));
}

/** Special tokens to try: all, or some of thousands. */
function tried({ specialTokens }: Vocabulary): readonly SpecialToken[] {
  const step = Math.ceil(specialTokens.length / SPECIAL_TOKENS_TRIED_MAX);
  return specialTokens.filter((_, at) => at % step === 0);
}

const SPECIAL_TOKENS_TRIED_MAX = 64;

function specialIds(vocabulary: Vocabulary, ids: readonly TokenId[]): readonly TokenId[] {
  const special = new Set(vocabulary.specialTokens.map(({ id }) => id));
  return ids.filter((id) => special.has(id));
}

function spelled(vocabulary: Vocabulary, ids: readonly TokenId[]): string {
  return Buffer.concat(ids.map((id) => vocabulary.tokenBytes(id))).toString('utf8');
}
