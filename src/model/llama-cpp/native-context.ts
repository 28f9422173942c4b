/**
 * One llama.cpp context: the KV cache of all sequences of a model. It does one thing at a time:
 * every native call that reads or writes the context goes through one chain, because concurrent use
 * aborts the process. Calls that would abort it for their arguments are checked here first.
 */

import { abortError, PilotfishError, throwIfAborted } from '../../core/errors.ts';
import { invariant, present } from '../../core/invariant.ts';
import type { ComputeDevice } from '../compute-device.ts';
import {
  type Abi,
  type Address,
  allocate,
  byteView,
  DECODE_ABORTED,
  DECODE_KV_FULL,
  DECODE_OK,
  floatView,
  POOLING_TYPE_NONE,
  release,
} from './abi.ts';
import { BatchBuffer } from './batch.ts';

export interface ContextShape {
  readonly contextLength: number;
  readonly rowCountMax: number;
  readonly sequenceCountMax: number;
  readonly threadCount: number;
}

export interface NativeForward {
  readonly tokens: readonly number[];
  readonly position: number;
  readonly sequence: number;
  readonly outputFrom: number;
  readonly hidden: boolean;
}

/** Rows of the forward that just ran. The views die when the next one starts. */
export interface NativeOutputs {
  logits(row: number): Float32Array;
  hidden(row: number): Float32Array;
}

interface Sizes {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
}

export class NativeContext {
  readonly #abi: Abi;
  readonly #context: Address;
  readonly #memory: Address;
  readonly #abortFlag: Address;
  readonly #abortBytes: Int8Array;
  readonly #batch: BatchBuffer;
  readonly #device: ComputeDevice;
  readonly #sizes: Sizes;
  #chain: Promise<unknown> = Promise.resolve();
  #embeddings = false;
  #dead = false;

  private constructor(
    abi: Abi,
    context: Address,
    options: { device: ComputeDevice; sizes: Sizes; rowCountMax: number },
  ) {
    this.#abi = abi;
    this.#context = context;
    this.#memory = abi.memory(context);
    this.#device = options.device;
    this.#sizes = options.sizes;
    this.#batch = new BatchBuffer(options.rowCountMax);
    this.#abortFlag = allocate(8);
    this.#abortBytes = byteView(this.#abortFlag, 8);
    this.#abortBytes.fill(0);
    abi.setAbortCallback(context, abi.stringLength, this.#abortFlag);
  }

  static async open(
    abi: Abi,
    model: Address,
    options: { shape: ContextShape; device: ComputeDevice; sizes: Sizes },
  ): Promise<NativeContext> {
    const { shape } = options;
    const params = {
      ...abi.contextDefaultParams(),
      n_ctx: shape.contextLength,
      n_batch: shape.rowCountMax,
      n_ubatch: shape.rowCountMax,
      n_seq_max: shape.sequenceCountMax,
      n_threads: shape.threadCount,
      n_threads_batch: shape.threadCount,
      pooling_type: POOLING_TYPE_NONE,
      embeddings: false,
      no_perf: true,
      // All sequences share one pool of cells, so that forks share their prefix.
      kv_unified: true,
      swa_full: true,
    };
    const context = await abi.contextInit(model, params);
    if (context === null || context === 0n) {
      throw new PilotfishError('native-failed', 'llama.cpp could not create a context.', {
        remedy: 'Give a smaller --context.',
        fields: { contextLength: shape.contextLength },
      });
    }
    return new NativeContext(abi, context, { ...options, rowCountMax: shape.rowCountMax });
  }

  /**
   * Evaluates one batch and hands its outputs to `read`, which must copy what it keeps.
   * On failure or abort the sequence keeps a prefix of the rows: see `length`.
   * @throws PilotfishError `aborted`, `kv-full`, `native-failed`, `disposed`
   */
  async forward<T>(
    request: NativeForward,
    read: (outputs: NativeOutputs) => T,
    signal?: AbortSignal,
  ): Promise<{ value: T; computeMs: number }> {
    return await this.#exclusive(() =>
      this.#device.exclusive(async () => {
        throwIfAborted(signal);
        const started = performance.now();
        this.#setEmbeddings(request.hidden);
        const code = await this.#decode(request, signal);
        this.#check(code, request, signal);
        const value = read(this.#outputs());
        return { value, computeMs: performance.now() - started };
      }, signal),
    );
  }

  /** Tokens that a sequence has in the cache. */
  async sequenceLength(sequence: number): Promise<number> {
    return await this.#exclusive(async () => this.#length(sequence));
  }

  /** Forgets everything from position `length` on. */
  async truncate(sequence: number, length: number): Promise<void> {
    await this.#exclusive(async () => {
      const removed = this.#abi.sequenceRemove(this.#memory, sequence, length, -1);
      invariant(removed, `sequence ${sequence} cannot be cut at ${length}`);
    });
  }

  async copy(source: number, target: number): Promise<void> {
    await this.#exclusive(async () => {
      this.#abi.sequenceCopy(this.#memory, source, target, -1, -1);
    });
  }

  /** Stops the forward under way, waits for it, and frees the native memory. */
  async dispose(): Promise<void> {
    if (this.#dead) return;
    this.#dead = true;
    this.#abortBytes[0] = 1;
    await this.#chain.catch(() => undefined);
    await this.#abi.contextFree(this.#context);
    this.#batch.dispose();
    release(this.#abortFlag);
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#chain.then(
      () => this.#alive(work),
      () => this.#alive(work),
    );
    this.#chain = turn;
    // The caller sees the failure; the chain only orders.
    turn.catch(() => undefined);
    return turn;
  }

  #alive<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#dead) return work();
    return Promise.reject(new PilotfishError('disposed', 'The model was closed.'));
  }

  async #decode(request: NativeForward, signal: AbortSignal | undefined): Promise<number> {
    const { tokens, position, sequence, outputFrom } = request;
    invariant(this.#length(sequence) === position, `rows must continue sequence ${sequence}`);
    const batch = this.#batch.fill(tokens, position, sequence, outputFrom);
    const raise = (): void => {
      this.#abortBytes[0] = 1;
    };
    signal?.addEventListener('abort', raise, { once: true });
    try {
      return await this.#abi.decode(this.#context, batch);
    } finally {
      signal?.removeEventListener('abort', raise);
      if (!this.#dead) this.#abortBytes[0] = 0;
    }
  }

  #check(code: number, request: NativeForward, signal: AbortSignal | undefined): void {
    if (code === DECODE_OK) return;
    // The flag is also raised by `dispose`.
    if (code === DECODE_ABORTED && signal?.aborted === true) throw abortError(signal);
    if (code === DECODE_ABORTED) throw new PilotfishError('disposed', 'The model was closed.');
    if (code === DECODE_KV_FULL) {
      throw new PilotfishError(
        'kv-full',
        `The KV cache has no room for ${request.tokens.length} more tokens.`,
        { remedy: 'Give a larger --context or send fewer requests at once.' },
      );
    }
    throw new PilotfishError('native-failed', `llama.cpp failed with code ${code}.`, {
      fields: { code },
    });
  }

  #outputs(): NativeOutputs {
    const view = (address: Address | null, length: number): Float32Array => {
      const found = present(address, 'the row has no output');
      invariant(found !== 0n, 'the row has no output');
      return floatView(found, length);
    };
    return {
      logits: (row) => view(this.#abi.logitsOf(this.#context, row), this.#sizes.vocabularySize),
      hidden: (row) => view(this.#abi.hiddenOf(this.#context, row), this.#sizes.hiddenSize),
    };
  }

  /**
   * Hidden states turn every row into an output (the head runs on all of them), so they are on
   * only for the forwards that want them.
   */
  #setEmbeddings(on: boolean): void {
    if (this.#embeddings === on) return;
    this.#abi.setEmbeddings(this.#context, on);
    this.#embeddings = on;
  }

  #length(sequence: number): number {
    return this.#abi.sequencePositionMax(this.#memory, sequence) + 1;
  }
}
