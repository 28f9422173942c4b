/**
 * Turns texts and conversations into tokens such that a text stays text: a special token that a
 * message spells out, alone or together with what stands beside it, is never that token. The strings
 * are broken with a mark before the conversation is rendered, and the rendered text is cut only at
 * the special tokens that are whole in it: the template's own. What stands between two of them is
 * tokenised as one text, so that tokens across the ends of a message stay as they are
 * (docs/decisions/0026-text-stays-text.md).
 */
import type { ChatMessage } from '../core/chat-message.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Vocabulary } from '../model/roles.ts';
import { cutAtSpecialTokens } from '../vocabulary/cut-at-special-tokens.ts';
import { SpecialStrings, unusedCharacter } from '../vocabulary/special-strings.ts';

/** A text whose special tokens are tokens, except where a mark is in them. */
export interface MarkedText {
  readonly text: string;
  /** Null: the text has none. */
  readonly mark: string | null;
}

type Render = (messages: readonly ChatMessage[]) => string;

export class TextTokens {
  readonly #main: Vocabulary;
  readonly #specialIds = new Set<TokenId>();
  readonly #strings: SpecialStrings;
  /** Those that tokenisers find in any text. */
  readonly #foundAnyway: SpecialStrings;
  /** Special strings that assistants write and templates may look for in their turns. */
  readonly #written: ReadonlySet<string>;

  /** @param vocabularies of the models that read the tokens; the first one tokenises */
  constructor(vocabularies: readonly [Vocabulary, ...Vocabulary[]]) {
    this.#main = vocabularies[0];
    const strings = new Set<string>();
    const foundAnyway = new Set<string>();
    const written = new Set<string>();
    for (const vocabulary of vocabularies) {
      for (const { id, text, isUserDefined } of vocabulary.specialTokens) {
        this.#specialIds.add(id);
        strings.add(text);
        if (isUserDefined) foundAnyway.add(text);
        if (isUserDefined && !vocabulary.isEndOfGeneration(id)) written.add(text);
      }
      for (const id of vocabulary.endOfGenerationIds()) {
        this.#specialIds.add(id);
        strings.add(vocabulary.tokenString(id) ?? '');
      }
    }
    this.#strings = new SpecialStrings(strings);
    this.#foundAnyway = new SpecialStrings(foundAnyway);
    this.#written = written;
  }

  /** A text of which nothing is a special token. */
  plain(text: string): MarkedText {
    const mark = unusedCharacter([text]);
    return marked(this.#strings.breakWhole(text, mark), mark);
  }

  /**
   * A conversation as the template renders it. Where the template looks for special strings that the
   * assistant wrote itself (`</think>`), it finds them.
   */
  rendered(messages: readonly ChatMessage[], render: Render): MarkedText {
    const mark = unusedCharacter(messages.map(({ content }) => content));
    const broken = (except: ReadonlySet<string>): string => {
      const others = except.size === 0 ? this.#strings : this.#strings.without(except);
      return render(
        messages.map(({ role, content }) => {
          const strings = role === 'assistant' ? others : this.#strings;
          return { role, content: strings.breakAll(content, mark) };
        }),
      );
    };
    const text = broken(this.#lookedFor(messages, (except) => broken(except).replaceAll(mark, '')));
    return marked(text, mark);
  }

  /** The strings of assistants whose breaking changes what the template makes of them. */
  #lookedFor(
    messages: readonly ChatMessage[],
    renderWithout: (except: ReadonlySet<string>) => string,
  ): ReadonlySet<string> {
    const found = new Set<string>();
    for (const { role, content } of messages) {
      if (role !== 'assistant') continue;
      for (const { text } of this.#strings.matches(content)) {
        if (this.#written.has(text)) found.add(text);
      }
    }
    if (found.size === 0) return found;
    const whole = renderWithout(found);
    return new Set([...found].filter((text) => renderWithout(minus(found, text)) !== whole));
  }

  tokens({ text, mark }: MarkedText): TokenId[] {
    if (mark === null) return this.#main.tokenize(text);
    const parts = cutAtSpecialTokens(text, this.#main.specialTokens, this.#strings);
    const ids = parts.flatMap((part) =>
      typeof part === 'string' ? this.#textTokens(part, mark) : [part],
    );
    const { startToken } = this.#main;
    return startToken === null || ids[0] === startToken ? ids : [startToken, ...ids];
  }

  /** A text behind another one: no start token and no space comes before it. */
  continued(text: string): TokenId[] {
    const { text: broken, mark } = this.plain(text);
    const pieces = mark === null ? [broken] : broken.split(mark);
    const before = this.#main.tokenizeText(pieces);
    return this.#main.tokenizeText([...pieces, ...pieces]).slice(before.length);
  }

  /**
   * Tokenisers find user-defined tokens in any text, and SentencePiece may put a control token together
   * from its characters. Such a text is tokenised in pieces that end within the broken strings.
   */
  #textTokens(marked: string, mark: string): TokenId[] {
    const text = marked.replaceAll(mark, '');
    if (!marked.includes(mark)) return this.#main.tokenizeText([text]);
    const pieces = marked.split(mark);
    // Not tried as a whole: llama.cpp takes seconds for thousands of user-defined tokens in one text.
    if (this.#foundAnyway.areIn(text)) return this.#main.tokenizeText(pieces);
    const whole = this.#main.tokenizeText([text]);
    const isText = !whole.some((id) => this.#specialIds.has(id));
    return isText ? whole : this.#main.tokenizeText(pieces);
  }
}

function marked(text: string, mark: string): MarkedText {
  return { text, mark: text.includes(mark) ? mark : null };
}

function minus(texts: ReadonlySet<string>, text: string): ReadonlySet<string> {
  return new Set([...texts].filter((other) => other !== text));
}
