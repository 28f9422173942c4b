/**
 * Finds special strings in texts, and breaks them with a mark: a character that occurs in none of the
 * texts and is removed before they are tokenised.
 */

export interface SpecialMatch {
  readonly at: number;
  readonly text: string;
}

export class SpecialStrings {
  readonly #texts: ReadonlySet<string>;
  /** The lengths of the strings that begin with a code unit. */
  readonly #lengths = new Map<number, Set<number>>();
  /** What a text may end with if the text behind it completes a special string, and begin with. */
  readonly #heads = new Set<string>();
  readonly #tails = new Set<string>();
  readonly #lengthMax: number;

  /** @param texts those of one character are found, but cannot be broken */
  constructor(texts: Iterable<string>) {
    this.#texts = new Set([...texts].filter((text) => text !== ''));
    for (const text of this.#texts) {
      const first = text.charCodeAt(0);
      const lengths = this.#lengths.get(first) ?? new Set();
      this.#lengths.set(first, lengths.add(text.length));
      for (let at = 1; at < text.length; at += 1) {
        this.#heads.add(text.slice(0, at));
        this.#tails.add(text.slice(at));
      }
    }
    this.#lengthMax = Math.max(0, ...[...this.#texts].map(({ length }) => length));
  }

  /** The others. */
  without(texts: ReadonlySet<string>): SpecialStrings {
    return new SpecialStrings([...this.#texts].filter((text) => !texts.has(text)));
  }

  /** Every special string in a text, those that overlap included. */
  *matches(text: string): Generator<SpecialMatch> {
    for (let at = 0; at < text.length; at += 1) {
      for (const length of this.#lengths.get(text.charCodeAt(at)) ?? []) {
        const part = text.slice(at, at + length);
        if (part.length === length && this.#texts.has(part)) yield { at, text: part };
      }
    }
  }

  areIn(text: string): boolean {
    return this.matches(text).next().done !== true;
  }

  /** The text with a mark in every special string. */
  breakWhole(text: string, mark: string): string {
    return withMarks(text, this.#inside(text), mark);
  }

  /**
   * The same, also for strings that the text spells out only together with what stands beside it. The
   * marks lie inside of the text's first and last characters, so that trimming it changes nothing.
   */
  breakAll(text: string, mark: string): string {
    const places = this.#inside(text);
    for (let length = Math.min(text.length, this.#lengthMax - 1); length > 0; length -= 1) {
      const [head, tail] = [text.slice(0, length), text.slice(text.length - length)];
      if (this.#heads.has(tail)) places.add(text.length - length + firstLength(tail));
      if (this.#tails.has(head)) places.add(length - 1);
    }
    if (this.#isInside(text)) places.add(firstLength(text));
    return withMarks(text, places, mark);
  }

  #inside(text: string): Set<number> {
    const places = new Set<number>();
    for (const match of this.matches(text)) places.add(match.at + firstLength(match.text));
    return places;
  }

  #isInside(text: string): boolean {
    if (text === '' || text.length >= this.#lengthMax) return false;
    return [...this.#texts].some((special) => special.includes(text));
  }
}

/** A character of the private use area, or behind it, that occurs in none of the texts. */
export function unusedCharacter(texts: readonly string[]): string {
  const used = new Set(texts.flatMap((text) => text.match(PRIVATE_OR_BEHIND) ?? []));
  let code = PRIVATE_USE_START;
  while (used.has(String.fromCodePoint(code))) code += 1;
  return String.fromCodePoint(code);
}

const PRIVATE_USE_START = 0xe000;
const PRIVATE_OR_BEHIND = /[\u{e000}-\u{10ffff}]/gu;

/** The length of the first character, in code units. */
function firstLength(text: string): number {
  return (text.codePointAt(0) ?? 0) > 0xffff ? 2 : 1;
}

function withMarks(text: string, places: ReadonlySet<number>, mark: string): string {
  if (places.size === 0) return text;
  const parts: string[] = [];
  let from = 0;
  for (const place of [...places].sort((a, b) => a - b)) {
    parts.push(text.slice(from, place), mark);
    from = place;
  }
  return parts.join('') + text.slice(from);
}
