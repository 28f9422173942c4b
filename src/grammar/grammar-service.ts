/**
 * The grammars of an engine: a thread that starts with the first grammar, and sessions in it. A
 * thread that had to be ended is replaced, and the sessions of other requests go on: each call names
 * the whole answer, so that the new thread can follow it from its beginning.
 */
import { PilotfishError } from '../core/errors.ts';
import { FairMutex } from '../core/fair-mutex.ts';
import { invariant } from '../core/invariant.ts';
import type { TokenId } from '../core/token-id.ts';
import { untilAborted } from '../core/until-aborted.ts';
import type { GrammarSource } from './grammar-request.ts';
import type { ThreadCall } from './thread-calls.ts';
import { ThreadHandle } from './thread-handle.ts';
import type { PackedVocabulary } from './xgrammar.ts';

/**
 * The time limits of a grammar: for compiling it (once with the vocabulary), and for the masks of a
 * forward.
 */
export const COMPILE_DEADLINE_MS = 20_000;
export const STEP_DEADLINE_MS = 5_000;
const WAITING_CALL_COUNT_MAX = 1024;

export interface GrammarServiceOptions {
  readonly vocabulary: () => Promise<PackedVocabulary>;
  readonly compileDeadlineMs?: number;
  readonly stepDeadlineMs?: number;
}

export class GrammarService implements AsyncDisposable {
  readonly #options: GrammarServiceOptions;
  readonly #turns = new FairMutex({
    name: 'the thread that follows grammars',
    waitingCountMax: WAITING_CALL_COUNT_MAX,
  });
  #vocabulary: PackedVocabulary | null = null;
  #thread: ThreadHandle | null = null;
  #sessionCount = 0;
  #isClosed = false;

  constructor(options: GrammarServiceOptions) {
    this.#options = options;
  }

  /** @throws PilotfishError `grammar-invalid`, `aborted`, `disposed`, `native-failed` */
  async open(source: GrammarSource, signal?: AbortSignal): Promise<GrammarSession> {
    this.#sessionCount += 1;
    const session = new GrammarSession(this, this.#sessionCount, source);
    try {
      await session.start(signal);
      return session;
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.end(closedError());
  }

  /** Runs calls in the thread when it is free. Their deadlines begin then. */
  async inThread<T>(
    work: (thread: ThreadHandle) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const done = this.#turns.exclusive(async () => work(await this.#liveThread()), signal);
    // The caller of an aborted request does not wait for the thread.
    return await untilAborted(done, signal);
  }

  get deadlines(): { readonly compileMs: number; readonly stepMs: number } {
    const { compileDeadlineMs = COMPILE_DEADLINE_MS, stepDeadlineMs = STEP_DEADLINE_MS } =
      this.#options;
    return { compileMs: compileDeadlineMs, stepMs: stepDeadlineMs };
  }

  async #liveThread(): Promise<ThreadHandle> {
    if (this.#isClosed) throw closedError();
    if (this.#thread !== null && !this.#thread.hasEnded) return this.#thread;
    this.#vocabulary ??= await this.#options.vocabulary();
    // The service was closed while the vocabulary was read.
    if (this.#isClosed) throw closedError();
    this.#thread = new ThreadHandle(this.#vocabulary);
    return this.#thread;
  }
}

/** The session of one answer that follows a grammar. */
export class GrammarSession implements Disposable {
  readonly #service: Pick<GrammarService, 'inThread' | 'deadlines'>;
  readonly #id: number;
  readonly #source: GrammarSource;
  /** The thread that knows this session. */
  #thread: ThreadHandle | null = null;
  #unkept: readonly string[] = [];
  #isClosed = false;

  constructor(
    service: Pick<GrammarService, 'inThread' | 'deadlines'>,
    id: number,
    source: GrammarSource,
  ) {
    this.#service = service;
    this.#id = id;
    this.#source = source;
  }

  /** The constraints that the grammar does not carry: finished answers must be checked for them. */
  get unkept(): readonly string[] {
    return this.#unkept;
  }

  async start(signal?: AbortSignal): Promise<void> {
    await this.#service.inThread((thread) => this.#openIn(thread), signal);
  }

  /** See `GrammarTracker.masks`. */
  async masks(
    answer: readonly TokenId[],
    from: number,
    signal?: AbortSignal,
  ): Promise<readonly (Int32Array | null)[]> {
    const call = { session: this.#id, answer: Int32Array.from(answer), from };
    const masks = await this.#call({ kind: 'masks', ...call }, signal);
    invariant('masks' in masks, 'masks are answered with masks');
    return masks.masks;
  }

  /** See `GrammarTracker.allowedLength`. */
  async allowedLength(answer: readonly TokenId[], signal?: AbortSignal): Promise<number> {
    const call = { session: this.#id, answer: Int32Array.from(answer) };
    const length = await this.#call({ kind: 'allowed-length', ...call }, signal);
    invariant('length' in length, 'a length is answered with a number');
    return length.length;
  }

  /** The way in which a finished answer violates the unkept constraints; null: it keeps them. */
  async violation(text: string, signal?: AbortSignal): Promise<string | null> {
    const reply = await this.#call({ kind: 'violation', session: this.#id, text }, signal);
    invariant('violation' in reply, 'a check is answered with a violation or null');
    return reply.violation;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#thread?.tell({ kind: 'close', session: this.#id });
    this.#thread = null;
  }

  #call(call: ThreadCall, signal: AbortSignal | undefined): ReturnType<ThreadHandle['call']> {
    const { stepMs } = this.#service.deadlines;
    return this.#service.inThread(async (thread) => {
      if (this.#thread !== thread) await this.#openIn(thread);
      return await thread.call(call, stepMs);
    }, signal);
  }

  async #openIn(thread: ThreadHandle): Promise<void> {
    if (this.#isClosed) throw sessionClosedError();
    const { compileMs } = this.#service.deadlines;
    const opening = { kind: 'open', session: this.#id, source: this.#source } as const;
    const reply = await thread.call(opening, compileMs);
    invariant('unkept' in reply, 'an opened grammar says what it does not carry');
    this.#unkept = reply.unkept;
    this.#thread = thread;
    if (!this.#isClosed) return;
    // An abort closed the session while it was being opened: it must make no more calls to the
    // thread.
    this[Symbol.dispose]();
    throw sessionClosedError();
  }
}

function closedError(): PilotfishError {
  return new PilotfishError('disposed', 'The engine was closed.');
}

function sessionClosedError(): PilotfishError {
  return new PilotfishError('disposed', 'The grammar of this answer was closed.');
}
