/**
 * Continuous batching: forwards that wait at the same time run in one native batch, whoever asked
 * for them. One executor per model; it is the only user of the model's context.
 *
 * Launch rule: after a batch, everybody who is ready to continue does so first (one turn of the event
 * loop), then the next batch starts with all that came in; so requests do not alternate at width
 * one. A request that is busy at another model is simply not waiting here.
 *
 * Cancelling a forward under way stops the whole batch through the native flag; the others' rows run
 * again in the next one. A batch that fails is repeated part by part, so that only the forward at
 * fault fails.
 */
import { abortError, PilotfishError } from '../../core/errors.ts';
import { InvariantError } from '../../core/invariant.ts';
import type { RowProgram, RowResult } from '../../core/row-program.ts';
import { runRowProgram } from '../../sampling/run-row-program.ts';
import type { ComputeDevice } from '../compute-device.ts';
import type { Forward, ForwardRequest } from '../roles.ts';
import { DECODE_ABORTED, DECODE_KV_FULL, DECODE_OK } from './abi.ts';
import { ArrivalOrder, type Place } from './arrival-order.ts';
import type { BatchRows } from './batch.ts';
import { type BatchPart, type BatchRoom, planBatch } from './batch-plan.ts';
import type { NativeContext, NativeOutputs } from './native-context.ts';

/** Rows of prefills beside streams: a compromise between their speeds. */
const PREFILL_ROW_COUNT_BESIDE_STREAMS = 64;
/** Row programs run this long before the event loop gets a turn. */
const READ_SLICE_MS = 6;

/** What batching needs of a context. Its calls must not overlap. */
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
  readonly #room: BatchRoom;
  /** By place in line; a forward stays until all its rows have run. */
  #waiting: QueuedForward[] = [];
  readonly #order = new ArrivalOrder();
  /** Changes to sequences, which run between batches. */
  #changes: (() => void)[] = [];
  #running: readonly BatchPart<QueuedForward>[] = [];
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

  /** Time in native batches so far: from the call until its result is here. */
  get nativeMs(): number {
    return this.#nativeMs;
  }

  /** @throws PilotfishError `aborted`, `kv-full`, `native-failed`, `disposed` */
  forward(
    slot: { readonly sequence: number; readonly position: number },
    request: ForwardRequest,
    signal?: AbortSignal,
  ): Promise<Forward> {
    if (this.#closed) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(abortError(signal));
    return new Promise((resolve, reject) => {
      const cancel = (): void => this.#cancel(queued);
      const queued = new QueuedForward({ ...slot, place: this.#order.placeOf(slot) }, request, {
        ...(signal === undefined ? {} : { signal }),
        resolve,
        reject,
        settled: () => signal?.removeEventListener('abort', cancel),
      });
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
      // Without a batch under way, also while the device is with another model, there is nothing to
      // wait for.
      if (this.#running.length === 0) return change();
      this.#changes.push(change);
      this.#start();
    });
  }

  /** Fails what waits, stops what runs, then frees the context. Every call waits for the one closing. */
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
      // What came in during the last turn of the loop.
      if (!this.#closed && (this.#waiting.length > 0 || this.#changes.length > 0)) this.#start();
    });
  }

  async #run(): Promise<void> {
    // The launch rule: whoever is ready to ask for more does so before the batch is planned.
    await eventLoopTurn();
    while (!this.#closed && (this.#waiting.length > 0 || this.#changes.length > 0)) {
      // Whoever waits for a change goes on before the next batch: often to the next change, and a
      // cancelled request must not wait for its neighbours' batch to be told so.
      if (this.#changes.length > 0) for (const change of this.#changes.splice(0)) change();
      else await this.#takeTurn();
      await eventLoopTurn();
    }
  }

  async #takeTurn(): Promise<void> {
    try {
      await this.#device.exclusive(() => this.#runNext());
    } catch (error) {
      // The device took no more: whoever waits is told so, instead of trying for ever.
      for (const forward of this.#waiting) this.#settle(forward, () => forward.fail(error));
    }
  }

  async #runNext(): Promise<void> {
    const parts = planBatch(this.#waiting, this.#room).filter(({ forward }) => {
      const length = this.#context.length(forward.sequence);
      if (length === forward.position) return true;
      const error = new InvariantError(`a sequence has ${length} tokens, not ${forward.position}`);
      this.#settle(forward, () => forward.fail(error));
      return false;
    });
    await this.#runBatch(parts);
  }

  async #runBatch(parts: readonly BatchPart<QueuedForward>[]): Promise<void> {
    // Everything may have been cancelled while waiting for the device.
    if (parts.length === 0 || this.#closed) return;
    this.#running = parts;
    this.#batchCount += 1;
    const started = performance.now();
    try {
      const hidden = parts.some(({ forward }) => forward.hidden);
      const code = await this.#context.decode(parts.map(batchRows), hidden);
      const ms = performance.now() - started;
      this.#nativeMs += ms;
      if (code === DECODE_OK) await this.#deliver(parts, ms);
      else await this.#recover(parts, code);
    } catch (error) {
      for (const { forward } of parts) this.#settle(forward, () => forward.fail(error));
    } finally {
      this.#running = [];
      if (!this.#closed) this.#context.setAborted(false);
    }
  }

  /** Reads the outputs of every part; the event loop gets its turns in between. */
  async #deliver(parts: readonly BatchPart<QueuedForward>[], batchMs: number): Promise<void> {
    const outputs = this.#context.outputs();
    const allRows = parts.reduce((sum, { rowCount }) => sum + rowCount, 0);
    let sliceStarted = performance.now();
    let row = 0;
    for (const { forward, rowCount } of parts) {
      forward.computeMs += (batchMs * rowCount) / allRows;
      for (let index = 0; index < rowCount; index += 1, row += 1) {
        this.#read(forward, outputs, row);
        if (performance.now() - sliceStarted < READ_SLICE_MS) continue;
        await eventLoopTurn();
        sliceStarted = performance.now();
      }
      if (forward.rowsLeft === 0) this.#finish(forward);
      else if (forward.isCancelled) this.#settle(forward, () => forward.fail(forward.abortError()));
    }
  }

  #finish(forward: QueuedForward): void {
    const { sequence, position, place } = forward;
    if (!forward.hasOutputs) this.#order.keep(sequence, position, place);
    this.#settle(forward, () => forward.finish());
  }

  /** A row program that fails is its own request's failure, not its neighbours'. */
  #read(forward: QueuedForward, outputs: NativeOutputs, row: number): void {
    const started = performance.now();
    try {
      forward.read(outputs, row);
    } catch (error) {
      this.#settle(forward, () => forward.fail(error));
    }
    forward.computeMs += performance.now() - started;
  }

  /** After a batch that did not run whole: nobody's rows count, the survivors run again. */
  async #recover(parts: readonly BatchPart<QueuedForward>[], code: number): Promise<void> {
    for (const { forward } of parts) {
      if (this.#closed) this.#settle(forward, () => forward.fail(closedError()));
      else if (forward.isCancelled) this.#settle(forward, () => forward.fail(forward.abortError()));
      // Rows of a micro-batch that did run are cut off again, so that the forward can be repeated.
      else this.#context.truncate(forward.sequence, forward.position);
    }
    if (code === DECODE_ABORTED || this.#closed) return;
    const [only, ...others] = parts;
    if (only !== undefined && others.length === 0) {
      this.#settle(only.forward, () => only.forward.fail(decodeError(code, only.forward)));
      return;
    }
    // Somebody's rows do not fit or are refused: alone, each shows whether they are its own.
    for (const part of parts) {
      if (this.#waiting.includes(part.forward)) await this.#runBatch([part]);
    }
  }

  #cancel(forward: QueuedForward): void {
    forward.isCancelled = true;
    if (this.#running.some((part) => part.forward === forward)) this.#context.setAborted(true);
    else this.#settle(forward, () => forward.fail(forward.abortError()));
  }

  #settle(forward: QueuedForward, settle: () => void): void {
    this.#waiting = this.#waiting.filter((other) => other !== forward);
    settle();
  }
}

interface Settling {
  readonly signal?: AbortSignal;
  readonly resolve: (forward: Forward) => void;
  readonly reject: (error: unknown) => void;
  readonly settled: () => void;
}

/** A forward on its way through one or more batches. */
class QueuedForward {
  readonly sequence: number;
  /** In line: the smaller, the earlier. */
  readonly place: number;
  readonly hidden: boolean;
  readonly endsPrompt: boolean;
  isCancelled = false;
  computeMs = 0;
  readonly #start: number;
  readonly #tokens: readonly number[];
  readonly #outputFrom: number;
  readonly #program: RowProgram;
  readonly #settling: Settling;
  readonly #queuedMs = performance.now();
  readonly #rows: RowResult[] = [];
  #done = 0;

  constructor(
    { sequence, position, place }: { sequence: number; position: number; place: Place },
    request: ForwardRequest,
    settling: Settling,
  ) {
    this.sequence = sequence;
    this.place = place.number;
    this.hidden = request.hidden === true;
    this.#start = position;
    this.#tokens = request.tokens;
    this.#outputFrom = request.outputFrom;
    this.#program = request.program;
    this.#settling = settling;
    this.endsPrompt = place.isKept && this.hasOutputs;
  }

  get hasOutputs(): boolean {
    return this.#outputFrom < this.#tokens.length;
  }

  get rowsLeft(): number {
    return this.#tokens.length - this.#done;
  }

  /** Of its next row, in its sequence. */
  get position(): number {
    return this.#start + this.#done;
  }

  /** The next rows, as a part of a batch. */
  rows(count: number): BatchRows {
    return {
      tokens: this.#tokens.slice(this.#done, this.#done + count),
      position: this.position,
      sequence: this.sequence,
      outputFrom: Math.min(count, Math.max(0, this.#outputFrom - this.#done)),
    };
  }

  /** Takes what it wants of its next row, which is row `batchRow` of the batch. */
  read(outputs: NativeOutputs, batchRow: number): void {
    const index = this.#done;
    this.#done += 1;
    if (index < this.#outputFrom) return;
    const position = this.#start + index + 1;
    this.#rows.push({
      ...runRowProgram(outputs.logits(batchRow), this.#program, position),
      hidden: this.hidden ? outputs.hidden(batchRow).slice() : null,
    });
  }

  finish(): void {
    this.#settling.settled();
    const waitedMs = Math.max(0, performance.now() - this.#queuedMs - this.computeMs);
    this.#settling.resolve({ rows: this.#rows, computeMs: this.computeMs, waitedMs });
  }

  fail(error: unknown): void {
    this.#settling.settled();
    this.#settling.reject(error);
  }

  abortError(): PilotfishError {
    const { signal } = this.#settling;
    return signal === undefined ? closedError() : abortError(signal);
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

/** Lets everything that is ready run first. */
function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
