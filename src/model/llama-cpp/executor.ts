/**
 * Continuous batching: forwards of any requests that wait at the same time run in one native batch.
 * There is one executor per model, and it is the only user of the model's context.
 *
 * Launch rule: after a batch, every request that is ready to continue does so first (one turn of the
 * event loop). Then the next batch starts with all waiting forwards, so that requests do not
 * alternate at width one. A request that is busy at another model is simply not waiting here.
 *
 * Cancellation: a cancelled forward fails at once.
 * - If it is under way, the native flag stops the whole batch, and the rows of the other forwards run
 *   again in the next batch.
 * - No forward is interrupted twice. Otherwise a client that cancels again and again would stop all
 *   others for ever.
 * - The rows that the cancelled forward leaves in its sequence are cut off after the batch.
 *
 * A batch that fails is repeated part by part, so that only the forward at fault fails.
 */
import { abortError, PilotfishError } from '../../core/errors.ts';
import { InvariantError } from '../../core/invariant.ts';
import type { ComputeDevice } from '../compute-device.ts';
import type { ForwardRequest } from '../roles.ts';
import { DECODE_ABORTED, DECODE_KV_FULL, DECODE_OK } from './abi.ts';
import { ArrivalOrder } from './arrival-order.ts';
import type { BatchRows } from './batch.ts';
import { type BatchPart, type BatchRoom, isStream, passedBy, planBatch } from './batch-plan.ts';
import type { NativeContext, NativeOutputs } from './native-context.ts';
import { type ForwardEnd, QueuedForward } from './queued-forward.ts';

/** Rows of prefills beside streams, of this model or another: a compromise between their speeds. */
const PREFILL_ROW_COUNT_BESIDE_STREAMS = 64;
/** Row programs run this long before the event loop gets a turn. */
const READ_SLICE_MS = 6;

/** The part of a context that batching needs. Its calls must not overlap. */
export type ExecutorContext = Pick<
  NativeContext,
  'decode' | 'outputs' | 'length' | 'truncate' | 'copy' | 'setThreadCount' | 'setAborted' | 'free'
>;

export interface ExecutorOptions {
  readonly context: ExecutorContext;
  readonly device: ComputeDevice;
  readonly rowCountMax: number;
}

export class Executor {
  readonly #context: ExecutorContext;
  readonly #device: ComputeDevice;
  /** Identifies this executor on the device. */
  readonly #user = Symbol('an executor');
  readonly #room: BatchRoom;
  /** By place in line. A forward stays until all its rows have run. */
  #waiting: QueuedForward[] = [];
  readonly #order = new ArrivalOrder();
  /** Changes to sequences, which run between batches. */
  #changes: (() => void)[] = [];
  #running: readonly BatchPart<QueuedForward>[] = [];
  /** Whether the previous batch wanted hidden states. */
  #hiddenBefore: boolean | null = null;
  #pump: Promise<void> | null = null;
  #closed = false;
  #closing: Promise<void> | null = null;
  #batchCount = 0;
  #nativeMs = 0;

  constructor({ context, device, rowCountMax }: ExecutorOptions) {
    this.#context = context;
    this.#device = device;
    const prefillRowCountMax = Math.min(rowCountMax, PREFILL_ROW_COUNT_BESIDE_STREAMS);
    this.#room = { rowCountMax, prefillRowCountMax };
  }

  /** Native batches so far. */
  get batchCount(): number {
    return this.#batchCount;
  }

  /** The time in native batches so far: from the call until the result arrives. */
  get nativeMs(): number {
    return this.#nativeMs;
  }

  /**
   * Never rejects. A failure (PilotfishError `aborted`, `kv-full`, `native-failed`, `disposed`) comes
   * with the number of tokens that the sequence then holds, so that the caller need not wait for a
   * batch to ask.
   */
  forward(
    slot: { readonly sequence: number; readonly position: number },
    request: ForwardRequest,
    signal?: AbortSignal,
  ): Promise<ForwardEnd> {
    const refused = (error: PilotfishError): Promise<ForwardEnd> =>
      Promise.resolve({ length: slot.position, error });
    if (this.#closed) return refused(closedError());
    if (signal?.aborted === true) return refused(abortError(signal));
    return new Promise((resolve) => {
      const cancel = (): void => {
        if (signal !== undefined) this.#cancel(queued, abortError(signal));
      };
      const settle = (end: ForwardEnd): void => {
        signal?.removeEventListener('abort', cancel);
        resolve(end);
      };
      const place = this.#order.placeOf(slot);
      const queued = new QueuedForward({ ...slot, place }, request, settle);
      signal?.addEventListener('abort', cancel, { once: true });
      this.#enqueue(queued);
      this.#start();
    });
  }

  /** Runs a quick change of sequences when no batch is under way. @throws PilotfishError `disposed` */
  change<T>(work: (context: ExecutorContext) => T): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const change = (): void => {
        try {
          resolve(work(this.#context));
        } catch (error) {
          reject(error);
        }
      };
      // Without a batch under way there is nothing to wait for, even while the device serves another
      // model.
      if (this.#running.length === 0) return change();
      this.#changes.push(change);
      this.#start();
    });
  }

  /**
   * Fails waiting forwards, stops the running batch, then frees the context. Repeated calls wait for
   * the same closing.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#context.setAborted(true);
    await this.#pump;
    for (const forward of this.#waiting.splice(0)) forward.fail(closedError());
    for (const change of this.#changes.splice(0)) change();
    await this.#context.free();
  }

  #enqueue(queued: QueuedForward): void {
    const behind = this.#waiting.findIndex(({ place }) => place > queued.place);
    this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, queued);
  }

  #start(): void {
    this.#pump ??= this.#run().finally(() => {
      this.#pump = null;
      // Forwards that arrived during the last turn of the loop.
      if (!this.#closed && (this.#waiting.length > 0 || this.#changes.length > 0)) this.#start();
    });
  }

  async #run(): Promise<void> {
    // The launch rule: requests that are ready to ask for more do so before the batch is planned.
    await eventLoopTurn();
    while (!this.#closed && (this.#waiting.length > 0 || this.#changes.length > 0)) {
      // A caller that waits for a change continues before the next batch. It often makes the next
      // change, and a cancelled request must not wait for the batch of its neighbours.
      if (this.#changes.length > 0) for (const change of this.#changes.splice(0)) change();
      else await this.#takeTurn();
      await eventLoopTurn();
    }
  }

  async #takeTurn(): Promise<void> {
    try {
      await this.#device.exclusive(() => this.#runNext());
    } catch (error) {
      // The device accepts no more batches: waiting forwards fails instead of trying for ever.
      for (const forward of this.#waiting) this.#settle(forward, () => forward.fail(error));
    }
  }

  async #runNext(): Promise<void> {
    if (this.#waiting.length === 0 || this.#closed) return;
    const before = {
      hidden: this.#hiddenBefore,
      streamsElsewhere: this.#device.beginTurn(this.#user, this.#waiting.some(isStream)),
    };
    const parts = planBatch(this.#waiting, this.#room, before);
    this.#noteWhoIsPassedBy(parts);
    await this.#runBatch(parts.filter(({ forward }) => this.#isAsLongAsItSays(forward)));
  }

  #noteWhoIsPassedBy(parts: readonly BatchPart<QueuedForward>[]): void {
    const hidden = parts.some(({ forward }) => forward.hidden);
    const alike = this.#waiting.filter((forward) => forward.hidden === hidden);
    const unserved = passedBy(alike, parts, this.#room);
    for (const forward of alike) forward.wasPassedBy = unserved.has(forward);
    this.#hiddenBefore = hidden;
  }

  #isAsLongAsItSays(forward: QueuedForward): boolean {
    const length = this.#context.length(forward.sequence);
    if (length === forward.position) return true;
    const error = new InvariantError(`a sequence has ${length} tokens, not ${forward.position}`);
    this.#settle(forward, () => forward.fail(error, length));
    return false;
  }

  async #runBatch(parts: readonly BatchPart<QueuedForward>[]): Promise<void> {
    if (parts.length === 0 || this.#closed) return;
    const code = await this.#decode(parts);
    if (code === null || code === DECODE_OK || code === DECODE_ABORTED || this.#closed) return;
    const [only, ...others] = parts;
    if (only !== undefined && others.length === 0) {
      this.#settle(only.forward, () => only.forward.fail(decodeError(code, only.forward)));
      return;
    }
    // The rows of some forward do not fit or are refused. Alone, each part shows whether it is at
    // fault.
    for (const part of parts) {
      if (this.#waiting.includes(part.forward)) await this.#runBatch([part]);
    }
  }

  /** Runs a batch and delivers its rows. @returns the native code; null if it threw */
  async #decode(parts: readonly BatchPart<QueuedForward>[]): Promise<number | null> {
    this.#running = parts;
    this.#batchCount += 1;
    const started = performance.now();
    try {
      const hidden = parts.some(({ forward }) => forward.hidden);
      const code = await this.#context.decode(parts.map(batchRows), hidden);
      const ms = performance.now() - started;
      this.#nativeMs += ms;
      if (code === DECODE_OK) await this.#deliver(parts, ms);
      this.#cut(parts, code);
      return code;
    } catch (error) {
      for (const { forward } of parts) this.#settle(forward, () => forward.fail(error));
      this.#cutIfPossible(parts);
      return null;
    } finally {
      this.#running = [];
      if (!this.#closed) this.#context.setAborted(false);
    }
  }

  /** Reads the outputs of every part. The event loop gets its turns in between. */
  async #deliver(parts: readonly BatchPart<QueuedForward>[], batchMs: number): Promise<void> {
    const outputs = this.#context.outputs();
    const allRows = parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
    let sliceStarted = performance.now();
    let row = 0;
    for (const { forward, rowCount } of parts) {
      forward.computeMs += (batchMs * rowCount) / allRows;
      for (let index = 0; index < rowCount; index += 1, row += 1) {
        if (!forward.hasFailed) this.#read(forward, outputs, row);
        if (performance.now() - sliceStarted < READ_SLICE_MS) continue;
        await eventLoopTurn();
        sliceStarted = performance.now();
      }
      if (forward.rowsLeft === 0 && !forward.hasFailed) this.#finish(forward);
    }
  }

  #finish(forward: QueuedForward): void {
    const { sequence, position, place } = forward;
    if (!forward.hasOutputs) this.#order.keep(sequence, position, place);
    this.#settle(forward, () => forward.finish());
  }

  /** A row program that fails makes its own request fail, not its neighbours. */
  #read(forward: QueuedForward, outputs: NativeOutputs, row: number): void {
    const started = performance.now();
    try {
      forward.read(outputs, row);
    } catch (error) {
      this.#settle(forward, () => forward.fail(error));
    }
    forward.computeMs += performance.now() - started;
  }

  /**
   * Takes back rows that do not count: those of forwards that failed on the way, whose requests were
   * told that the rows are not there, and all rows of a batch that did not run whole, which are
   * repeated.
   */
  #cut(parts: readonly BatchPart<QueuedForward>[], code: number): void {
    for (const { forward } of parts) {
      if (code === DECODE_ABORTED) forward.interruptionCount += 1;
      if (code === DECODE_OK && !forward.hasFailed) continue;
      this.#context.truncate(forward.sequence, forward.position);
    }
  }

  /**
   * Called after an exception, which is the error that is reported. A sequence that stays too long
   * fails at its next use.
   */
  #cutIfPossible(parts: readonly BatchPart<QueuedForward>[]): void {
    for (const { forward } of parts) {
      try {
        this.#context.truncate(forward.sequence, forward.position);
      } catch {}
    }
  }

  #cancel(forward: QueuedForward, error: PilotfishError): void {
    const isRunning = this.#running.some((part) => part.forward === forward);
    this.#settle(forward, () => forward.fail(error));
    if (!isRunning) return;
    const survivors = this.#running.filter((part) => !part.forward.hasFailed);
    const isFair = survivors.every((part) => part.forward.interruptionCount === 0);
    if (isFair) this.#context.setAborted(true);
  }

  #settle(forward: QueuedForward, settle: () => void): void {
    this.#waiting = this.#waiting.filter((other) => other !== forward);
    settle();
  }
}

function batchRows({ forward, rowCount }: BatchPart<QueuedForward>): BatchRows {
  return forward.rows(rowCount);
}

function closedError(): PilotfishError {
  return new PilotfishError('disposed', 'The model was closed.');
}

function decodeError(code: number, forward: QueuedForward): PilotfishError {
  if (code === DECODE_KV_FULL) {
    return new PilotfishError(
      'kv-full',
      `The KV cache has no room for ${forward.rowsLeft} more tokens.`,
      { remedy: 'Give a larger --context or send fewer requests at once.' },
    );
  }
  return new PilotfishError('native-failed', `llama.cpp failed with code ${code}.`, {
    fields: { code },
  });
}

/** Lets all ready continuations run first. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
