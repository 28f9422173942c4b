/**
 * Prompts that greedy models continue up to any length: consecutive numbers. Each begins differently, so
 * that the KV cache of an earlier measurement cannot serve a later one.
 */
import { invariant } from '../../src/core/invariant.ts';

/** Four digits each, so that all prompts of one length have about the same number of tokens. */
const FIRST = 1000;
const COUNT = 8000;
/** Has no small factor in common with `COUNT`, so neighbours begin with other digits. */
const STRIDE = 3371;

export class CountingPrompts {
  readonly #tokenize: (text: string) => readonly number[];
  readonly #tokenCountMin: number;
  #made = 0;

  constructor(tokenize: (text: string) => readonly number[], tokenCountMin: number) {
    this.#tokenize = tokenize;
    this.#tokenCountMin = tokenCountMin;
  }

  /** The shortest list of at least the wanted number of tokens, from a number not yet used. */
  next(): string {
    invariant(this.#made < COUNT, 'every first number was used');
    const first = FIRST + ((this.#made * STRIDE) % COUNT);
    this.#made += 1;
    let text = `${first},`;
    for (let number = first + 1; this.#tokenize(text).length < this.#tokenCountMin; number += 1) {
      text += ` ${number},`;
    }
    return text;
  }

  /** One prompt per stream. */
  take(count: number): string[] {
    return Array.from({ length: count }, () => this.next());
  }
}
