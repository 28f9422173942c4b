/**
 * Rows that a tree of greedy rows cannot hold: drawn ones, and those of which more is read. Their
 * programs have a seed and a position, so a later request for the same row of the same text gets the
 * same result. They stay in memory, and only for the questions at hand.
 */
import type { RowProgram, RowResult } from '../../core/row-program.ts';
import { penalises } from '../../core/sampling-params.ts';
import { ContinuationTrie, type NodeId } from './continuation-trie.ts';

/** A distribution over 152k tokens takes 1.2 MB. The oldest rows make room for new ones. */
const BYTES_MAX = 3 * 2 ** 30;

/**
 * Names what a program reads in the row that decides a position; null: it depends on more than the text
 * up to the row, its seed and the token that is scored.
 */
export function drawnKeys(program: RowProgram): ((position: number) => string) | null {
  const { text, masks, ...rest } = program;
  if (masks !== undefined || penalises(program.sampling)) return null;
  const key = JSON.stringify(rest);
  return program.textLogprob === true ? (position) => `${key} ${text?.[position]}` : () => key;
}

export class DrawnRows {
  readonly #bytesMax: number;
  readonly #rows = new Map<string, RowResult>();
  #byteCount = 0;
  #trie = new ContinuationTrie();

  constructor(bytesMax: number = BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** The texts, from their first token on. After `forget` it is another one. */
  get trie(): ContinuationTrie {
    return this.#trie;
  }

  get(node: NodeId, key: string): RowResult | null {
    return this.#rows.get(`${node} ${key}`) ?? null;
  }

  learn(node: NodeId, key: string, row: RowResult): void {
    const name = `${node} ${key}`;
    if (this.#rows.has(name)) return;
    this.#rows.set(name, row);
    this.#byteCount += bytesOf(name, row);
    for (const [oldest, old] of this.#rows) {
      if (this.#byteCount <= this.#bytesMax) return;
      this.#rows.delete(oldest);
      this.#byteCount -= bytesOf(oldest, old);
    }
  }

  forget(): void {
    this.#rows.clear();
    this.#byteCount = 0;
    this.#trie = new ContinuationTrie();
  }
}

function bytesOf(name: string, row: RowResult): number {
  const { topLogprobs, tokenLogprobs, logPartitions, distribution, hidden } = row;
  const arrays = [topLogprobs, tokenLogprobs, logPartitions, distribution, hidden];
  return arrays.reduce((sum, array) => sum + (array?.byteLength ?? 0), name.length);
}
