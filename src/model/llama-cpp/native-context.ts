/**
 * One llama.cpp context: the KV cache of all sequences of a model, and its native calls. It does one
 * thing at a time, because concurrent use aborts the process. The executor, its only user, ensures
 * that. Calls whose arguments would abort the process are checked first.
 */
import { PilotfishError } from '../../core/errors.ts';
import { invariant, required } from '../../core/invariant.ts';
import { allocate, byteView, floatView, POOLING_TYPE_NONE, release } from './abi.ts';
import { BatchBuffer, type BatchRows } from './batch.ts';
import type { Abi, Address } from './native-api.ts';
import { attachThreadpool } from './threadpool.ts';

export interface ContextShape {
  /** Cells of all sequences together. */
  readonly cellCount: number;
  readonly rowCountMax: number;
  readonly sequenceCountMax: number;
  readonly threadCount: number;
}

/** Row outputs of the batch that just ran. The views die when the next batch starts. */
export interface NativeOutputs {
  /** @param row index within the whole batch */
  logits(row: number): Float32Array;
  hidden(row: number): Float32Array;
}

interface Sizes {
  readonly vocabularySize: number;
  readonly hiddenSize: number;
}

/**
 * The number of rows for which a context keeps views. llama.cpp moves its outputs when they outgrow
 * their buffer.
 */
const VIEW_COUNT_MAX = 1024;

/**
 * Views by address, made once. The garbage collector counts the bytes behind every view as if they
 * were new memory: one new view of a large vocabulary per row made it collect everything several
 * times a second. A view found here is always valid, because the library has just returned its
 * address.
 */
class ViewCache {
  readonly #views = new Map<Address, Float32Array>();

  at(address: Address, length: number): Float32Array {
    const known = this.#views.get(address);
    if (known?.length === length) return known;
    if (this.#views.size >= VIEW_COUNT_MAX) this.#views.clear();
    const view = floatView(address, length);
    this.#views.set(address, view);
    return view;
  }
}

export class NativeContext {
  readonly #abi: Abi;
  readonly #context: Address;
  readonly #memory: Address;
  readonly #abortFlag: Address;
  readonly #abortBytes: Int8Array;
  readonly #batch: BatchBuffer;
  readonly #sizes: Sizes;
  readonly #views = new ViewCache();
  #embeddings = false;
  #freed = false;

  private constructor(abi: Abi, context: Address, sizes: Sizes, rowCountMax: number) {
    this.#abi = abi;
    this.#context = context;
    this.#memory = abi.memory(context);
    this.#sizes = sizes;
    this.#batch = new BatchBuffer(rowCountMax);
    this.#abortFlag = allocate(8);
    this.#abortBytes = byteView(this.#abortFlag, 8);
    this.#abortBytes.fill(0);
    abi.setAbortCallback(context, abi.stringLength, this.#abortFlag);
  }

  /** @throws PilotfishError `native-failed` */
  static async open(
    abi: Abi,
    model: Address,
    { shape, sizes }: { shape: ContextShape; sizes: Sizes },
  ): Promise<NativeContext> {
    const params = {
      ...abi.contextDefaultParams(),
      n_ctx: shape.cellCount,
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
        remedy: 'Give a smaller context (--context) or fewer sequences.',
        fields: { cellCount: shape.cellCount },
      });
    }
    const memory: Address | null = abi.memory(context);
    if (memory === null || memory === 0n) {
      await abi.contextFree(context);
      throw new PilotfishError('model-architecture-unsupported', 'The model keeps no KV cache.', {
        remedy: 'Choose a decoder-only transformer.',
      });
    }
    attachThreadpool(abi, context, shape.threadCount);
    return new NativeContext(abi, context, sizes, shape.rowCountMax);
  }

  /** Evaluates one batch off the event loop. @returns a `DECODE_*` code */
  async decode(parts: readonly BatchRows[], hidden: boolean): Promise<number> {
    for (const { sequence, position } of parts) {
      const length = this.length(sequence);
      invariant(length === position, `sequence ${sequence} has ${length} tokens, not ${position}`);
    }
    this.#setEmbeddings(hidden);
    return await this.#abi.decode(this.#context, this.#batch.fill(parts));
  }

  /** Makes the current decode and later ones return `DECODE_ABORTED`, or lets them run. */
  setAborted(aborted: boolean): void {
    if (!this.#freed) this.#abortBytes[0] = aborted ? 1 : 0;
  }

  outputs(): NativeOutputs {
    const view = (address: Address | null, length: number): Float32Array => {
      const found = required(address, 'the row has no output');
      invariant(found !== 0n, 'the row has no output');
      return this.#views.at(found, length);
    };
    return {
      logits: (row) => view(this.#abi.logitsOf(this.#context, row), this.#sizes.vocabularySize),
      hidden: (row) => view(this.#abi.hiddenOf(this.#context, row), this.#sizes.hiddenSize),
    };
  }

  /** The number of tokens that a sequence has in the cache. */
  length(sequence: number): number {
    return this.#abi.sequencePositionMax(this.#memory, sequence) + 1;
  }

  /** Forgets all tokens from position `length` on. */
  truncate(sequence: number, length: number): void {
    const removed = this.#abi.sequenceRemove(this.#memory, sequence, length, -1);
    invariant(removed, `sequence ${sequence} cannot be cut at ${length}`);
  }

  /** Lets `target` share the cells of the first `length` tokens of `source`. */
  copy(source: number, target: number, length: number): void {
    this.#abi.sequenceCopy(this.#memory, source, target, 0, length);
  }

  /** Computes with `threadCount` threads from the next decode on. */
  setThreadCount(threadCount: number): void {
    this.#abi.setThreadCount(this.#context, threadCount, threadCount);
    attachThreadpool(this.#abi, this.#context, threadCount);
  }

  /** Frees the native memory. Nothing may be running. */
  async free(): Promise<void> {
    invariant(!this.#freed, 'a context is freed once');
    this.#freed = true;
    await this.#abi.contextFree(this.#context);
    this.#batch.dispose();
    release(this.#abortFlag);
  }

  /**
   * Hidden states turn every row into an output (the head runs on all of them), so they are on only
   * for batches that want them.
   */
  #setEmbeddings(on: boolean): void {
    if (this.#embeddings === on) return;
    this.#abi.setEmbeddings(this.#context, on);
    this.#embeddings = on;
  }
}
