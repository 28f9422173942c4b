/**
 * The rows of one model after every prefix that was tried: a tree whose edges are tokens and whose
 * nodes hold the row after them. The greedy answers to one prompt, under all strategies and
 * thresholds, are paths through it and share their common beginnings.
 */
import { invariant } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import { TOP_LOGPROBS_MAX } from '../../core/row-reads.ts';
import { type TokenId, tokenId } from '../../core/token-id.ts';
import { FeatureTable, listsUpTo, ONE_LENGTH } from './feature-table.ts';
import type { RowFeatures } from './row-features.ts';

/** The greedy result of one row: every input of gates but the features. */
export interface KnownRow {
  readonly tokenId: TokenId;
  /** Nats. */
  readonly logprob: number;
  /** Nats. */
  readonly entropy: number;
  readonly margin: number;
}

/** Nodes are numbered in the order of their creation; the root is 0. */
export type NodeId = number;

export const ROOT: NodeId = 0;

/** The names in entries. */
type FeatureName = 'hidden' | 'topLogprobs';

/**
 * A new node with or without its row, the row of a node that had none, or a feature of a row. One
 * entry per line is the file format (see trie-store.ts).
 */
export type TrieEntry =
  | readonly [parent: NodeId, token: number]
  | readonly [parent: NodeId, token: number, ...row: RowFields]
  | readonly [node: NodeId, ...row: RowFields]
  | readonly [node: NodeId, feature: FeatureName, numbers: string];

type RowFields = readonly [choice: number, logprob: number, entropy: number, margin: number];

/** The feature fields of a `RowResult`. */
type Features = Pick<RowResult, FeatureName>;

const FEATURE_NAMES: readonly FeatureName[] = ['hidden', 'topLogprobs'];

/** All token ids are below it. (parent, token) is one number, exact up to 2^32 nodes. */
const TOKEN_SPAN = 2 ** 21;

export class ContinuationTrie {
  readonly #children = new Map<number, NodeId>();
  readonly #rows: (KnownRow | null)[] = [null];
  readonly #features: Readonly<Record<FeatureName, FeatureTable>> = {
    hidden: new FeatureTable(ONE_LENGTH),
    topLogprobs: new FeatureTable(listsUpTo(TOP_LOGPROBS_MAX)),
  };
  #fresh: TrieEntry[] = [];

  get nodeCount(): number {
    return this.#rows.length;
  }

  /** The node after `token` at `node`; creates it where it is missing. */
  step(node: NodeId, token: TokenId): NodeId {
    invariant(isToken(token), `${token} is the id of a token`);
    const known = this.#children.get(edge(node, token));
    if (known !== undefined) return known;
    const made = this.#add(node, token);
    this.#fresh.push([node, token]);
    return made;
  }

  row(node: NodeId): KnownRow | null {
    return this.#rows[node] ?? null;
  }

  /** Stores the row of a node. The first row stays: later nodes build on it. */
  learn(node: NodeId, row: KnownRow): void {
    invariant(node > ROOT && node < this.#rows.length, `node ${node} is in the tree`);
    if (this.#rows[node] !== null) return;
    this.#rows[node] = row;
    const fields: RowFields = [row.tokenId, row.logprob, row.entropy, row.margin];
    const last = this.#fresh.at(-1);
    // Usually the row belongs to the node that was just made: one entry holds both.
    if (node === this.#rows.length - 1 && last?.length === 2) {
      this.#fresh[this.#fresh.length - 1] = [...last, ...fields];
    } else this.#fresh.push([node, ...fields]);
  }

  /** Whether the row has all of these features; false where there is no row. */
  hasFeatures(node: NodeId, { hidden, topLogprobs }: RowFeatures): boolean {
    const { hidden: states, topLogprobs: lists } = this.#features;
    const hasHidden = hidden !== true || states.lengthOf(node) > 0;
    return this.row(node) !== null && hasHidden && lists.lengthOf(node) >= (topLogprobs ?? 0);
  }

  /**
   * The requested features, rounded to half precision; null for those that the row lacks. Owns its
   * memory.
   */
  features(node: NodeId, wanted: RowFeatures): Features {
    const { hidden, topLogprobs } = this.#features;
    const { topLogprobs: count = 0 } = wanted;
    return {
      hidden: wanted.hidden === true ? hidden.get(node) : null,
      topLogprobs: count === 0 ? null : topLogprobs.get(node, count),
    };
  }

  /**
   * Stores features of a known row. The first ones stay, except that a longer list replaces a
   * shorter one.
   */
  learnFeatures(node: NodeId, features: Features): void {
    invariant(this.row(node) !== null, `node ${node} has a row`);
    for (const name of FEATURE_NAMES) {
      const numbers = features[name];
      const text = numbers === null ? null : this.#features[name].learn(node, numbers);
      if (text !== null) this.#fresh.push([node, name, text]);
    }
  }

  /** The entries since the last call, in order. */
  takeFresh(): readonly TrieEntry[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  /** Adds an entry that `takeFresh` of another tree gave. @returns false if it does not fit here */
  replay(entry: readonly unknown[]): boolean {
    if (typeof entry[1] === 'string') return this.#replayFeature(entry);
    if (!isNumbers(entry)) return false;
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = entry;
    if (!Number.isSafeInteger(first) || first < 0 || first >= this.#rows.length) return false;
    if (!isToken(second)) return false;
    if (entry.length === 5) {
      if (first === ROOT || this.#rows[first] !== null) return false;
      this.#rows[first] = knownRow(second, third, fourth, fifth);
      return true;
    }
    if (entry.length !== 2 && !(entry.length === 6 && isToken(third))) return false;
    if (this.#children.has(edge(first, second))) return false;
    const node = this.#add(first, second);
    if (entry.length === 6) this.#rows[node] = knownRow(third, fourth, fifth, sixth);
    return true;
  }

  #replayFeature([node, name, text, ...more]: readonly unknown[]): boolean {
    const known = FEATURE_NAMES.find((feature) => feature === name);
    if (known === undefined || typeof text !== 'string' || more.length > 0) return false;
    if (typeof node !== 'number' || this.row(node) === null) return false;
    return this.#features[known].replay(node, text);
  }

  #add(parent: NodeId, token: number): NodeId {
    const node = this.#rows.length;
    this.#children.set(edge(parent, token), node);
    this.#rows.push(null);
    return node;
  }
}

function edge(parent: NodeId, token: number): number {
  return parent * TOKEN_SPAN + token;
}

function isNumbers(entry: readonly unknown[]): entry is readonly number[] {
  return entry.every(Number.isFinite);
}

function isToken(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value < TOKEN_SPAN;
}

function knownRow(choice: number, logprob: number, entropy: number, margin: number): KnownRow {
  return { tokenId: tokenId(choice), logprob, entropy, margin };
}
