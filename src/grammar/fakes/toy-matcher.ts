/** A matcher over a table, for tests that need to know every state. */
import { type TokenId, tokenId } from '../../core/token-id.ts';
import type { GrammarMatcher } from '../grammar-tracker.ts';

/**
 * The allowed tokens of each state, with the states that they lead to. The state `end` follows an end
 * token.
 */
export type ToyTable = Readonly<Record<string, Readonly<Record<number, string>>>>;

export const TOY_START = 'start';
export const TOY_END = 'end';

export class ToyMatcher implements GrammarMatcher {
  readonly #table: ToyTable;
  readonly #states: string[] = [TOY_START];
  acceptedCount = 0;

  constructor(table: ToyTable) {
    this.#table = table;
  }

  get state(): string {
    return this.#states.at(-1) ?? TOY_START;
  }

  get hasEnded(): boolean {
    return this.state === TOY_END;
  }

  accept(id: TokenId): boolean {
    const next = this.#table[this.state]?.[id];
    if (next === undefined) return false;
    this.acceptedCount += 1;
    this.#states.push(next);
    return true;
  }

  rollBack(count: number): void {
    if (count < 0 || count >= this.#states.length)
      throw new RangeError(`cannot take ${count} back`);
    this.#states.length -= count;
  }

  nextMask(): Int32Array {
    if (this.hasEnded) throw new RangeError('nothing follows the end');
    return maskOf(Object.keys(this.#table[this.state] ?? {}).map(Number));
  }
}

export function maskOf(ids: readonly number[]): Int32Array {
  const mask = new Int32Array(1);
  for (const id of ids) mask[0] = (mask[0] ?? 0) | (1 << id);
  return mask;
}

/** The oracle: the masks of a fresh matcher for each length. */
export function freshMasks(
  table: ToyTable,
  answer: readonly number[],
  from: number,
): (Int32Array | null)[] {
  const masks: (Int32Array | null)[] = [];
  for (let length = from; length <= answer.length; length += 1) {
    const matcher = new ToyMatcher(table);
    const isAllowed = answer.slice(0, length).every((id) => matcher.accept(tokenId(id)));
    masks.push(isAllowed && !matcher.hasEnded ? matcher.nextMask() : null);
  }
  return masks;
}

/** a (b a)* then the end, or b alone: token 0 is a, 1 is b, 3 is the end. */
export const TOY_TABLE: ToyTable = {
  start: { 0: 'a', 1: 'b' },
  a: { 1: 'ab', 3: TOY_END },
  ab: { 0: 'a' },
  b: { 3: TOY_END },
};
