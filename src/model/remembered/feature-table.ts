/** One feature of the rows of a tree: one vector per node, in half precision. */
import { fromHalf, toHalf } from '../../core/half.ts';
import { invariant } from '../../core/invariant.ts';

/** Whether a node with `known` numbers may get `length`, where other nodes have `others`. */
export type FeatureRule = (length: number, known: number, others: number) => boolean;

/** All vectors are as long as the first one, and the first vector of each node stays. */
export const ONE_LENGTH: FeatureRule = (length, known, others) =>
  known === 0 && length > 0 && (others === 0 || length === others);

/** A list is a prefix of a longer one, which replaces it. */
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

  /** The count of numbers of a node. */
  lengthOf(node: number): number {
    return this.#vectors.get(node)?.length ?? 0;
  }

  /** The first `length` numbers of a node (default: all); null if it has fewer. */
  get(node: number, length: number = this.lengthOf(node)): Float32Array | null {
    const vector = this.#vectors.get(node);
    if (vector === undefined || vector.length < length) return null;
    return fromHalf(vector.subarray(0, length));
  }

  /** @returns the text to write for it; null if the node already has that many numbers */
  learn(node: number, numbers: Float32Array): string | null {
    const { length } = numbers;
    if (length <= this.lengthOf(node)) return null;
    const fits = this.#rule(length, this.lengthOf(node), this.#length);
    invariant(fits, `${length} numbers fit beside ${this.#length}`);
    const halves = toHalf(numbers);
    this.#keep(node, halves);
    return textOf(halves);
  }

  /** Takes the text that `learn` of another table gave. @returns false if it does not fit here */
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
  // `Buffer.from` skips characters that are not base64.
  if (bytes.length % 2 !== 0 || bytes.toString('base64') !== text) return null;
  const halves = new Uint16Array(bytes.length / 2);
  new Uint8Array(halves.buffer).set(bytes);
  return halves;
}
