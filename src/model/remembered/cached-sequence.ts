/**
 * A sequence that answers from a tree of remembered rows, and asks the model only for the rest. The
 * engine counts its work as in a run without memory: the same rows in the same forwards, whether
 * remembered or computed. Only the times differ: a remembered forward takes none.
 *
 * The model's own sequence is opened at the first unknown row, and lags behind. It first reads the
 * missed tokens without outputs, in forwards of their own, then runs exactly the requested forward.
 * Computed rows therefore have the forward shapes of a live run.
 */

import { commonLength } from '../../core/common-length.ts';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';
import { invariant, required } from '../../core/invariant.ts';
import { NOTHING_READ, type RowProgram, type RowResult } from '../../core/row-program.ts';
import { coversReads, type RowReads, withReads } from '../../core/row-reads.ts';
import { penalises } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { OpenSequences } from '../open-sequences.ts';
import type { Forward, ForwardRequest, LanguageModel, Sequence } from '../roles.ts';
import type { OpenSource } from '../sequence-source.ts';
import { type ContinuationTrie, type KnownRow, type NodeId, ROOT } from './continuation-trie.ts';
import { drawnKeys } from './drawn-rows.ts';
import { type RowFeatures, roundedRow } from './row-features.ts';
import type { TrieStore } from './trie-store.ts';

/** The model that a sequence belongs to. */
export interface CachedHome {
  readonly inner: LanguageModel;
  /** The open sequences of the model. */
  readonly sequences: OpenSequences;
  readonly store: TrieStore;
  /** The source of the model's sequences now. */
  source(): OpenSource;
  /** Closes the sequences kept for later texts. @returns whether another attempt may succeed */
  reclaim(): Promise<boolean>;
  /** The features to remember beside the scores; null: none. */
  readonly features: RowFeatures | null;
  remembers(): boolean;
  /** Counts rows that were remembered, and rows that were not. */
  count(rowCount: number, isKnown: boolean): void;
}

/** The position of the text in a tree. */
interface Place {
  readonly trie: ContinuationTrie;
  /** The number of tokens before the root of the tree: its prompt. */
  readonly from: number;
  /**
   * The nodes of the tokens after `from`. Nodes of tokens without outputs are added when needed.
   */
  readonly nodes: NodeId[];
}

/** A position in the tree of greedy rows. */
interface GreedyPlace extends Place {
  /** The vocabulary size of the row programs whose rows the tree holds. */
  readonly vocabularySize: number;
}

interface Start {
  readonly tokens: readonly TokenId[];
  readonly place: GreedyPlace | null;
  readonly drawnPlace: Place | null;
}

export class CachedSequence implements Sequence {
  readonly #home: CachedHome;
  readonly #tokens: TokenId[];
  #place: GreedyPlace | null;
  /** In the tree of drawn rows. */
  #drawnPlace: Place | null;
  /** The model's own sequence, its source, and the tokens that it has read. */
  #inner: Sequence | null = null;
  #source: OpenSource | null = null;
  #read: TokenId[] = [];
  #hasFailed = false;
  #isClosed = false;

  constructor(home: CachedHome, start: Start = { tokens: [], place: null, drawnPlace: null }) {
    this.#home = home;
    this.#tokens = [...start.tokens];
    this.#place = start.place;
    this.#drawnPlace = start.drawnPlace;
    home.sequences.admit(this);
  }

  get length(): number {
    return this.#tokens.length;
  }

  async forward(request: ForwardRequest, signal?: AbortSignal): Promise<Forward> {
    this.#check(request);
    throwIfAborted(signal);
    const { tokens, outputFrom } = request;
    if (outputFrom === tokens.length) {
      this.#tokens.push(...tokens);
      return { rows: [], ...NO_TIME };
    }
    const { features } = this.#home;
    if (this.#home.remembers()) {
      if (isCacheable(request.program, features ?? {})) {
        return await this.#remember(request, signal);
      }
      const keyAt = drawnKeys(request.program);
      if (keyAt !== null) return await this.#rememberDrawn(request, keyAt, signal);
      this.#home.count(tokens.length - outputFrom, false);
    }
    return await this.#computeRounded(request, signal);
  }

  async truncate(length: number): Promise<void> {
    invariant(length >= 0 && length <= this.length, `cannot cut to ${length}`);
    this.#tokens.length = length;
    this.#place = cut(this.#place, length);
    this.#drawnPlace = cut(this.#drawnPlace, length);
  }

  async fork(length: number = this.length): Promise<CachedSequence> {
    invariant(length >= 0 && length <= this.length, `cannot fork ${length} of ${this.length}`);
    const copy = new CachedSequence(this.#home, {
      tokens: this.#tokens.slice(0, length),
      place: cut(this.#place, length),
      drawnPlace: cut(this.#drawnPlace, length),
    });
    const shared = Math.min(length, commonLength(this.#read, this.#tokens));
    if (this.#inner === null || shared === 0) return copy;
    try {
      copy.#inner = await this.#forkOf(this.#inner, shared);
      copy.#source = this.#source;
      copy.#read = this.#read.slice(0, shared);
      return copy;
    } catch (error) {
      await copy[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#home.sequences.leave(this);
    const sequence = this.#inner;
    this.#inner = null;
    if (sequence === null) return;
    // The tokens of a sequence in an unknown state do not count as read.
    const isKnown = !this.#hasFailed && !this.#home.sequences.isClosed;
    await this.#source?.close({ sequence, tokens: isKnown ? this.#read : [] });
  }

  /** Sequences kept for later texts make room for a fork. */
  async #forkOf(inner: Sequence, length: number): Promise<Sequence> {
    try {
      return await inner.fork(length);
    } catch (error) {
      const isFull = PilotfishError.isInstance(error) && error.code === 'sequences-exhausted';
      if (!isFull || !(await this.#home.reclaim())) throw error;
      return await inner.fork(length);
    }
  }

  /** Takes the rows from the tree if it holds them all; otherwise computes and stores them. */
  async #remember(request: ForwardRequest, signal: AbortSignal | undefined): Promise<Forward> {
    const { tokens, outputFrom, program } = request;
    const place = await this.#placeFor(program.vocabularySize);
    const nodes = follow(place, this.#tokens, tokens);
    const outputs = nodes.slice(outputFrom);
    const isKnown = outputs.every((node) => place.trie.hasFeatures(node, program));
    this.#home.count(outputs.length, isKnown);
    let times = NO_TIME;
    if (isKnown) this.#tokens.push(...tokens);
    else times = await this.#learn(request, { trie: place.trie, outputs }, signal);
    place.nodes.push(...nodes);
    // Read from the tree: another sequence may have stored these rows first.
    return { ...times, rows: outputs.map((node) => rowOf(place.trie, node, request)) };
  }

  /** Takes drawn rows from memory if it holds them all; otherwise computes and stores them. */
  async #rememberDrawn(
    request: ForwardRequest,
    keyAt: (position: number) => string,
    signal: AbortSignal | undefined,
  ): Promise<Forward> {
    const { tokens, outputFrom } = request;
    const { drawn } = this.#home.store;
    const known = this.#drawnPlace?.trie === drawn.trie ? this.#drawnPlace : null;
    const place = known ?? { trie: drawn.trie, from: 0, nodes: [] };
    this.#drawnPlace = place;
    const nodes = follow(place, this.#tokens, tokens);
    const firstPosition = this.length + outputFrom + 1;
    const outputs = nodes
      .slice(outputFrom)
      .map((node, index) => ({ node, key: keyAt(firstPosition + index) }));
    const found = outputs.flatMap(({ node, key }) => drawn.get(node, key) ?? []);
    const isKnown = found.length === outputs.length;
    this.#home.count(outputs.length, isKnown);
    if (isKnown) {
      this.#tokens.push(...tokens);
      place.nodes.push(...nodes);
      return { rows: found, ...NO_TIME };
    }
    const forward = await this.#computeRounded(request, signal);
    place.nodes.push(...nodes);
    for (const [index, row] of forward.rows.entries()) {
      const { node, key } = required(outputs[index], 'a node for every row');
      drawn.learn(node, key, row);
    }
    return forward;
  }

  async #computeRounded(
    request: ForwardRequest,
    signal: AbortSignal | undefined,
  ): Promise<Forward> {
    const forward = await this.#compute(request, signal);
    const isPlain = this.#home.features === null;
    return isPlain ? forward : { ...forward, rows: forward.rows.map(roundedRow) };
  }

  /** Computes the rows with all the scores and features to remember. */
  async #learn(
    request: ForwardRequest,
    { trie, outputs }: { readonly trie: ContinuationTrie; readonly outputs: readonly NodeId[] },
    signal: AbortSignal | undefined,
  ): Promise<Times> {
    const program = withReads(request.program, { ...SCORES, ...this.#home.features });
    const { rows, ...times } = await this.#compute({ ...request, program }, signal);
    for (const [index, row] of rows.entries()) {
      const node = required(outputs[index], 'a node for every row');
      trie.learn(node, knownRow(row));
      trie.learnFeatures(node, row);
    }
    return times;
  }

  /** The current position of the text, or the root of the tree for it. */
  async #placeFor(vocabularySize: number): Promise<GreedyPlace> {
    if (this.#place?.vocabularySize === vocabularySize) return this.#place;
    const trie = await this.#home.store.tree(this.#tokens, vocabularySize);
    this.#place = { trie, vocabularySize, from: this.length, nodes: [] };
    return this.#place;
  }

  async #compute(request: ForwardRequest, signal: AbortSignal | undefined): Promise<Forward> {
    try {
      try {
        return await this.#readOn(request, signal);
      } catch (error) {
        if (!PilotfishError.isInstance(error) || error.code !== 'kv-full') throw error;
        // Kept sequences may fill the cache now, or may have filled it until another text closed them.
        if (!(await this.#home.reclaim())) throw error;
        return await this.#readOn(request, signal);
      }
    } catch (error) {
      this.#hasFailed = true;
      throw error;
    }
  }

  async #readOn(request: ForwardRequest, signal: AbortSignal | undefined): Promise<Forward> {
    const inner = this.#inner ?? (await this.#open(signal));
    const shared = commonLength(this.#read, this.#tokens);
    if (shared < this.#read.length) {
      await inner.truncate(shared);
      this.#read.length = shared;
    }
    const { rowCountMax } = this.#home.inner.facts;
    while (this.#read.length < this.length) {
      const missed = this.#tokens.slice(this.#read.length, this.#read.length + rowCountMax);
      await this.#feed(inner, { ...request, tokens: missed, outputFrom: missed.length }, signal);
    }
    const forward = await this.#feed(inner, request, signal);
    this.#tokens.push(...request.tokens);
    return forward;
  }

  async #open(signal: AbortSignal | undefined): Promise<Sequence> {
    const source = this.#home.source();
    const { sequence, tokens } = await source.open(this.#tokens, this.length, signal);
    this.#source = source;
    this.#inner = sequence;
    this.#read = [...tokens];
    return sequence;
  }

  async #feed(
    inner: Sequence,
    request: ForwardRequest,
    signal: AbortSignal | undefined,
  ): Promise<Forward> {
    try {
      const forward = await inner.forward(request, signal);
      this.#read.push(...request.tokens);
      return forward;
    } catch (error) {
      this.#read.push(...request.tokens);
      this.#read.length = inner.length;
      throw error;
    }
  }

  /** Refuses what the model would refuse, because the model may not be asked. */
  #check({ tokens, outputFrom }: ForwardRequest): void {
    const { facts, vocabulary } = this.#home.inner;
    invariant(!this.#isClosed, 'the sequence was closed');
    invariant(tokens.length > 0 && tokens.length <= facts.rowCountMax, 'wrong row count');
    invariant(outputFrom >= 0 && outputFrom <= tokens.length, 'outputs start outside the rows');
    for (const token of tokens) {
      invariant(token >= 0 && token < vocabulary.size, `there is no token ${token}`);
    }
    if (this.length + tokens.length <= facts.contextLength) return;
    throw new PilotfishError('kv-full', 'The context is full.');
  }
}

type Times = Omit<Forward, 'rows'>;

const NO_TIME: Times = { waitedMs: 0, computeMs: 0 };

/**
 * Only greedy rows of a plain text are the same for every request. A tree holds no distributions,
 * and only the features that its rows are to have.
 */
function isCacheable(program: RowProgram, features: RowFeatures): boolean {
  const { sampling, masks, topLogprobs = 0 } = program;
  const isPlain = !penalises(sampling) && Object.keys(sampling.logitBias).length === 0;
  // The model refuses a fractional count of log-probabilities.
  const isCount = Number.isSafeInteger(topLogprobs) && topLogprobs >= 0;
  const isKept = isCount && coversReads({ ...SCORES, ...features }, program);
  return sampling.temperature === 0 && isPlain && masks === undefined && isKept;
}

/** The scores of every remembered row. */
const SCORES: RowReads = { logprob: true, uncertainty: true };

/** The nodes of `tokens`, which continue the text. Adds missing nodes of the text itself first. */
function follow(
  { trie, from, nodes }: Place,
  text: readonly TokenId[],
  tokens: readonly TokenId[],
): readonly NodeId[] {
  let node = nodes.at(-1) ?? ROOT;
  for (const token of text.slice(from + nodes.length)) {
    node = trie.step(node, token);
    nodes.push(node);
  }
  return tokens.map((token) => {
    node = trie.step(node, token);
    return node;
  });
}

function cut<P extends Place>(place: P | null, length: number): P | null {
  if (place === null || length < place.from) return null;
  return { ...place, nodes: place.nodes.slice(0, length - place.from) };
}

function knownRow({ tokenId, logprob, entropy, margin }: RowResult): KnownRow {
  return {
    tokenId,
    logprob: required(logprob, 'the program computes it'),
    entropy: required(entropy, 'the program computes it'),
    margin: required(margin, 'the program computes it'),
  };
}

/** The scores and features that the request reads, and no others. */
function rowOf(trie: ContinuationTrie, node: NodeId, request: ForwardRequest): RowResult {
  const { program } = request;
  const { tokenId, logprob, entropy, margin } = required(trie.row(node), 'the row is known');
  return {
    ...NOTHING_READ,
    tokenId,
    logprob: program.logprob === true ? logprob : null,
    entropy: program.uncertainty === true ? entropy : null,
    margin: program.uncertainty === true ? margin : null,
    ...trie.features(node, program),
  };
}
