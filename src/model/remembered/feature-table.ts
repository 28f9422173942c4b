/** One feature of the rows of a tree: for each node a few or many numbers in half precision. */
import { fromHalf, toHalf } from '../../core/half.ts';
import { invariant } from '../../core/invariant.ts';

/** Whether a node may get `length` numbers where it has `known` of them, and other nodes `others`. */
export type FeatureRule = (length: number, known: number, others: number) => boolean;

/** All vectors are as long as the first, and the first of each node holds. */
export const ONE_LENGTH: FeatureRule = (length, known, others) =>
  known === 0 && length > 0 && (others === 0 || length === others);

/** A list is the beginning of a longer one, which takes its place. */
export function listsUpTo(lengthMax: number): FeatureRule {
  return (length, known) => length > known && length <= lengthMax;
}

export class FeatureTable {
  readonly #rule: FeatureRule;
  readonly #vectors = new Map<number, Uint16Array>();
  #length = 0;

  constructor(rule: FeatureRule) {
    this.#rule = rule;
  }

  /** How many numbers a node has. */
  lengthOf(node: number): number {
    return this.#vectors.get(node)?.length ?? 0;
  }

  /** The first `length` numbers of a node (default: all); null if there are not as many. */
  get(node: number, length: number = this.lengthOf(node)): Float32Array | null {
    const vector = this.#vectors.get(node);
    if (vector === undefined || vector.length < length) return null;
    return fromHalf(vector.subarray(0, length));
  }

  /** @returns what to write of it; null if the node has as many numbers */
  learn(node: number, numbers: Float32Array): string | null {
    const { length } = numbers;
    if (length <= this.lengthOf(node)) return null;
    const fits = this.#rule(length, this.lengthOf(node), this.#length);
    invariant(fits, `${length} numbers fit beside ${this.#length}`);
    const halves = toHalf(numbers);
    this.#keep(node, halves);
    return textOf(halves);
  }

  /** Takes what `learn` of another one gave. @returns false if it does not fit here */
  replay(node: number, text: string): boolean {
    const halves = halvesOf(text);
    if (halves === null) return false;
    if (!this.#rule(halves.length, this.lengthOf(node), this.#length)) return false;
    this.#keep(node, halves);
    return true;
  }

  #keep(node: number, halves: Uint16Array): void {
    this.#vectors.set(node, halves);
    this.#length = halves.length;
  }
}

/** Base64 of the bytes in this machine's order: caches stay on their machine. */
function textOf(halves: Uint16Array): string {
  return Buffer.from(halves.buffer, halves.byteOffset, halves.byteLength).toString('base64');
}

/** Null where the text is not base64 of whole numbers. */
function halvesOf(text: string): Uint16Array | null {
  const bytes = Buffer.from(text, 'base64');
  // Decoding passes over what is none.
  if (bytes.length % 2 !== 0 || bytes.toString('base64') !== text) return null;
  const halves = new Uint16Array(bytes.length / 2);
  new Uint8Array(halves.buffer).set(bytes);
  return halves;
}
