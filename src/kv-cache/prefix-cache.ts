/**
 * The prefix pool of a model: finished requests leave what they read in its KV cache, for later ones
 * that begin alike: the turns of a chat, questions behind one system prompt. A new request forks the
 * entry with the longest common prefix and reads only the rest.
 *
 * Entries live in the room that no running request has reserved and yield to requests at once, the
 * least recently used first. Where there is no room for both, a request takes its entry over instead
 * of forking it, so a conversation that fills the whole context still goes on from where it was.
 *
 * In an evaluation nobody reserves room, and every strategy asks the same questions again: there a
 * text always takes its entry over, because a fork would need a sequence that another question's
 * entry has. A prefix that all prompts begin with can be pinned: it is read once, stays, and is forked.
 *
 * Counting is cautious: an entry and its forks share cells, yet each counts all of its own.
 */

import { commonLength } from '../core/common-length.ts';
import { abortError, PilotfishError, throwIfAborted } from '../core/errors.ts';
import { FairMutex } from '../core/fair-mutex.ts';
import { invariant, required } from '../core/invariant.ts';
import type { TokenId } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from '../model/roles.ts';
import type { OpenedSequence, OpenSource, SequencePool } from '../model/sequence-source.ts';
import type { KvAmount } from './admission.ts';
import { PinnedPrefix, type ReadingModel } from './pinned-prefix.ts';

export interface PrefixCacheOptions {
  readonly model: ReadingModel & Pick<LanguageModel, 'sequenceCount' | 'countCachedTokens'>;
  /**
   * What running requests have not reserved, asked whenever it matters. Absent: nobody reserves room.
   * Entries are then taken over, never forked, and yield where the model has no other sequence for a
   * text; where they fill the cache, the caller clears the pool.
   */
  readonly room?: (() => KvAmount) | undefined;
}

/** Shorter prefixes are not worth a copy, nor a sequence of the cache. */
export const REUSED_LENGTH_MIN = 8;
/** Requests that may wait to open a sequence; admission lets far fewer run. */
const OPENING_COUNT_MAX = 4096;

interface Entry extends OpenedSequence {
  /** Being forked: it must stay until that is done. */
  isPinned: boolean;
}

interface Match {
  readonly entry: Entry;
  readonly length: number;
}

interface Pinned {
  readonly pin: PinnedPrefix;
  readonly length: number;
}

const UNLIMITED: KvAmount = { cellCount: Infinity, sequenceCount: Infinity };

export class PrefixCache implements SequencePool {
  readonly #options: PrefixCacheOptions;
  #pin: PinnedPrefix | null = null;
  /** The least recently used first. */
  readonly #entries: Entry[] = [];
  /** One at a time, so that two requests do not both count on the same room. */
  readonly #opening = new FairMutex({ name: 'a sequence', waitingCountMax: OPENING_COUNT_MAX });
  /** Sequences on their way out, and openings in vain: their slots are free when these settle. */
  readonly #leaving = new Set<Promise<void>>();
  /** A sequence that could not be given back: nothing more can be said about the cache. */
  #failure: { readonly error: unknown } | null = null;

  constructor(options: PrefixCacheOptions) {
    this.#options = options;
  }

  /** What the entries take; the pin is beside them. */
  get used(): KvAmount {
    const cellCount = this.#entries.reduce((sum, { tokens }) => sum + tokens.length, 0);
    return { cellCount, sequenceCount: this.#entries.length };
  }

  open(text: readonly TokenId[], lengthMax: number, signal?: AbortSignal): Promise<OpenedSequence> {
    return this.#inTurn(() => this.#open(text, lengthMax), signal);
  }

  prefixLength(text: readonly TokenId[], lengthMax: number): number {
    const [match, pinned] = [this.#match(text, lengthMax), this.#pinned(text, lengthMax)];
    return Math.max(match?.length ?? 0, pinned?.length ?? 0);
  }

  /**
   * For requests that must not depend on what ran before: they leave nothing, and find nothing but the
   * pin, which is always read in the same forwards.
   */
  unshared(): OpenSource {
    const open: OpenSource['open'] = (text, lengthMax) =>
      this.#openNew(this.#pinned(text, lengthMax));
    return {
      open: (text, lengthMax, signal) => this.#inTurn(() => open(text, lengthMax), signal),
      close: ({ sequence }) => this.#dispose(sequence),
    };
  }

  /**
   * From now on texts fork this prefix, which is read when the first of them opens. It takes a sequence
   * and cells that `room` must not promise, and stays until the next call. No request may be running.
   * @param tokens none: nothing is pinned
   */
  async pin(tokens: readonly TokenId[]): Promise<void> {
    const before = this.#pin;
    this.#pin = tokens.length === 0 ? null : new PinnedPrefix(this.#options.model, tokens);
    // Texts that were given up may have left a reading under way.
    before?.stop();
    await this.#opening.exclusive(async () => before?.[Symbol.asyncDispose]());
  }

  async close(opened: OpenedSequence): Promise<void> {
    const { tokens } = opened;
    const room = this.#options.room?.() ?? UNLIMITED;
    // One that does not fit alone must not drive the others out before it goes itself.
    const fits = tokens.length <= room.cellCount && room.sequenceCount > 0;
    if (tokens.length < REUSED_LENGTH_MIN || !fits || this.#isCovered(tokens)) {
      return await this.#dispose(opened.sequence);
    }
    for (const entry of [...this.#entries]) if (begins(entry.tokens, tokens)) this.#evict(entry);
    this.#entries.push({ ...opened, isPinned: false });
    this.#shrink(room);
    await this.#left();
  }

  /**
   * Forgets everything that no request is forking right now, and waits for what is on its way out.
   * @returns whether there was anything
   */
  async clear(): Promise<boolean> {
    this.#shrink({ cellCount: 0, sequenceCount: 0 });
    const isFreeing = this.#leaving.size > 0;
    await this.#left();
    return isFreeing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pin([]);
    await this.clear();
  }

  /**
   * Free + cached + in use = total, where nobody runs: the model holds the entries and nothing else.
   * @throws InvariantError
   */
  async checkIdle(): Promise<void> {
    await this.#left();
    const { model, room } = this.#options;
    const { cellCount, sequenceCount } = this.used;
    const pinned = this.#pin?.cellCount ?? 0;
    const held = (await model.countCachedTokens()) - pinned;
    invariant(held === cellCount, `the model holds ${held} tokens, the prefix cache ${cellCount}`);
    const open = model.sequenceCount - Number(pinned > 0);
    invariant(open === sequenceCount, `${open} sequences are open, ${sequenceCount} are cached`);
    for (const { sequence, tokens } of this.#entries) {
      invariant(sequence.length === tokens.length, 'an entry differs from its sequence');
    }
    const free = room?.() ?? UNLIMITED;
    invariant(cellCount <= free.cellCount, `${cellCount} cells are cached of ${free.cellCount}`);
  }

  /**
   * Opens when it is its turn. A request that is aborted is told at once, though a fork or a cut may
   * wait for the batch of others; what is then opened in vain is closed as if the request had ended.
   */
  #inTurn(
    open: () => Promise<OpenedSequence>,
    signal: AbortSignal | undefined,
  ): Promise<OpenedSequence> {
    return new Promise((resolve, reject) => {
      const openFor = async (): Promise<void> => {
        // From here on it may wait for what leaves, which must not be itself.
        throwIfAborted(signal);
        const opened = await open();
        if (signal?.aborted !== true) return resolve(opened);
        // A failure is remembered; the next open throws it.
        this.close(opened).catch(() => undefined);
      };
      const opening = this.#opening.exclusive(openFor, signal);
      const abort = (): void => {
        void this.#track(opening.catch(() => undefined));
        if (signal !== undefined) reject(abortError(signal));
      };
      signal?.addEventListener('abort', abort, { once: true });
      opening.catch(reject).finally(() => signal?.removeEventListener('abort', abort));
    });
  }

  async #open(text: readonly TokenId[], lengthMax: number): Promise<OpenedSequence> {
    const match = this.#match(text, lengthMax);
    const room = this.#options.room?.();
    const pinned = this.#pinned(text, lengthMax);
    if (match === null || match.length <= (pinned?.length ?? 0)) {
      return await this.#openNew(pinned);
    }
    const isFork =
      room !== undefined && match.entry.tokens.length <= room.cellCount && room.sequenceCount > 0;
    return isFork ? await this.#fork(match, room) : await this.#takeOver(match, room);
  }

  async #openNew(pinned: Pinned | null): Promise<OpenedSequence> {
    this.#shrink(this.#options.room?.() ?? this.#sequencesBeside());
    await this.#left();
    if (pinned === null) return { sequence: this.#options.model.openSequence(), tokens: [] };
    const { pin, length } = pinned;
    return { sequence: await pin.fork(length), tokens: pin.tokens.slice(0, length) };
  }

  /** The sequences that are for entries where one more text is open, and the pin is read. */
  #sequencesBeside(): KvAmount {
    const { facts, sequenceCount } = this.#options.model;
    const taken = sequenceCount - this.#entries.length + 1 + (this.#pin?.unopenedCount ?? 0);
    return { ...UNLIMITED, sequenceCount: Math.max(0, facts.sequenceCountMax - taken) };
  }

  #pinned(text: readonly TokenId[], lengthMax: number): Pinned | null {
    const pin = this.#pin;
    const length = Math.min(commonLength(pin?.tokens ?? [], text), lengthMax);
    return pin === null || length < REUSED_LENGTH_MIN ? null : { pin, length };
  }

  async #fork({ entry, length }: Match, room: KvAmount): Promise<OpenedSequence> {
    this.#touch(entry);
    entry.isPinned = true;
    try {
      this.#shrink(room);
      await this.#left();
      const sequence = await entry.sequence.fork(length);
      return { sequence, tokens: entry.tokens.slice(0, length) };
    } finally {
      entry.isPinned = false;
    }
  }

  async #takeOver({ entry, length }: Match, room: KvAmount = UNLIMITED): Promise<OpenedSequence> {
    this.#remove(entry);
    this.#shrink(room);
    try {
      await this.#left();
      await entry.sequence.truncate(length);
    } catch (error) {
      await this.#dispose(entry.sequence);
      throw error;
    }
    return { sequence: entry.sequence, tokens: entry.tokens.slice(0, length) };
  }

  /** The entry that spares most; of several the latest used. */
  #match(text: readonly TokenId[], lengthMax: number): Match | null {
    let best: Match | null = null;
    for (const entry of this.#entries) {
      const length = Math.min(commonLength(entry.tokens, text), lengthMax);
      if (length >= Math.max(REUSED_LENGTH_MIN, best?.length ?? 0)) best = { entry, length };
    }
    return best;
  }

  #isCovered(tokens: readonly TokenId[]): boolean {
    const pinned = this.#pin?.tokens ?? [];
    return begins(tokens, pinned) || this.#entries.some((entry) => begins(tokens, entry.tokens));
  }

  #touch(entry: Entry): void {
    this.#remove(entry);
    this.#entries.push(entry);
  }

  /** Drops the least recently used until the rest fits. */
  #shrink(room: KvAmount): void {
    const fits = ({ cellCount, sequenceCount }: KvAmount): boolean =>
      cellCount <= room.cellCount && sequenceCount <= room.sequenceCount;
    for (const entry of [...this.#entries]) {
      if (fits(this.used)) return;
      this.#evict(entry);
    }
  }

  #evict(entry: Entry): void {
    if (entry.isPinned) return;
    this.#remove(entry);
    void this.#dispose(entry.sequence);
  }

  #remove(entry: Entry): void {
    const index = this.#entries.indexOf(entry);
    required(this.#entries[index], 'the entry is cached');
    this.#entries.splice(index, 1);
  }

  /** Never rejects; a model that was closed meanwhile has freed all its sequences. */
  #dispose(sequence: Sequence): Promise<void> {
    const disposal = Promise.resolve(sequence[Symbol.asyncDispose]());
    return this.#track(
      disposal.catch((error: unknown) => {
        if (!PilotfishError.isInstance(error)) this.#failure ??= { error };
      }),
    );
  }

  /** The next open waits for it. */
  #track(work: Promise<void>): Promise<void> {
    const leaving = work.finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    return leaving;
  }

  async #left(): Promise<void> {
    await Promise.all(this.#leaving);
    if (this.#failure !== null) throw this.#failure.error;
  }
}

function begins(start: readonly TokenId[], text: readonly TokenId[]): boolean {
  return start.length <= text.length && commonLength(start, text) === start.length;
}
