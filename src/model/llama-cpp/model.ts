/**
 * A GGUF model that llama.cpp runs in this process.
 *
 * Life cycle: `loadModel` reads the file's header, estimates memory, loads the model and opens one
 * context. Disposal stops running work, frees the context, then the model. The C library keeps freed
 * memory, so it is asked to return it.
 */
import { availableParallelism } from 'node:os';
import { abortError, PilotfishError, throwIfAborted } from '../../core/errors.ts';
import { FairMutex } from '../../core/fair-mutex.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { TokenId } from '../../core/token-id.ts';
import { type ComputeDevice, cpuDevice } from '../compute-device.ts';
import type { LanguageModel, ModelFacts } from '../roles.ts';
import { SEQUENCE_COUNT_LIMIT } from '../sequence-count-limit.ts';
import { registerLog, registerProgress, unregister } from './abi.ts';
import { EmbeddingTable } from './embedding-table.ts';
import { Executor } from './executor.ts';
import { loadLibrary } from './library.ts';
import { availableMemoryBytes, checkMemory, estimateMemory } from './memory-estimate.ts';
import { type ModelFileFacts, readModelFile } from './model-file.ts';
import type { Abi, Address } from './native-api.ts';
import { type ContextShape, NativeContext } from './native-context.ts';
import { LlamaCppSequence, type SequenceHome } from './sequence.ts';
import { LlamaCppVocabulary } from './vocabulary.ts';

export const CONTEXT_LENGTH_DEFAULT = 4096;
/**
 * The rows of a forward, which are also the chunk of a prefill and thus limit the wait for an abort.
 */
export const ROW_COUNT_MAX_DEFAULT = 256;
/** Enough for 16 requests and 8 kept prefixes. */
export const SEQUENCE_COUNT_MAX_DEFAULT = 24;
/** Positions are 32-bit integers; no model comes near. */
const CONTEXT_LENGTH_MAX = 2 ** 30;
/** More threads than this rarely speed up a decode, which waits for memory. */
const THREAD_COUNT_MAX = 8;

export interface LoadOptions {
  /** For people and logs. Default: the file's own name. */
  readonly name?: string | undefined;
  /** Tokens in one sequence; at most the length that the model was trained for. */
  readonly contextLength?: number | undefined;
  /**
   * Tokens in the KV cache, all sequences together. Default: the context length, or 4096 without one.
   */
  readonly cellCount?: number | undefined;
  readonly rowCountMax?: number | undefined;
  readonly sequenceCountMax?: number | undefined;
  readonly threadCount?: number | undefined;
  readonly device?: ComputeDevice | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** The bytes that may be used. Default: the available memory that the system reports. */
  readonly memoryBytes?: number | undefined;
}

/**
 * @throws PilotfishError `model-file-*`, `model-architecture-unsupported`, `model-load-failed`,
 *   `memory-insufficient`, `library-missing`, `library-mismatch`, `aborted`
 */
export async function loadModel(path: string, options: LoadOptions = {}): Promise<LlamaCppModel> {
  throwIfAborted(options.signal);
  const { abi } = loadLibrary();
  const file = await readModelFile(path);
  const name = options.name ?? file.name ?? path;
  const shape = loadShape(file, options);
  checkMemory(name, estimateMemory(file, shape), options.memoryBytes ?? availableMemoryBytes());
  const load = (): Promise<Address> => loadWeights(abi, file, { ...options, name });
  const model = await loads.exclusive(load, options.signal);
  try {
    checkArchitecture(abi, model, file);
    const vocabulary = new LlamaCppVocabulary(abi, abi.modelVocabulary(model), file.chatTemplate);
    const sizes = { vocabularySize: vocabulary.size, hiddenSize: abi.modelHiddenSize(model) };
    const context = await NativeContext.open(abi, model, { shape, sizes });
    const device = options.device ?? cpuDevice;
    const executor = new Executor({ context, device, rowCountMax: shape.rowCountMax });
    return new LlamaCppModel({ abi, model, executor, vocabulary, file, shape, name });
  } catch (error) {
    await abi.modelFree(model);
    throw error;
  }
}

/** The settings that a model was loaded with. */
interface LoadShape extends ContextShape {
  readonly contextLength: number;
}

function loadShape(file: ModelFileFacts, options: LoadOptions): LoadShape {
  checkCount('contextLength', options.contextLength, CONTEXT_LENGTH_MAX);
  checkCount('cellCount', options.cellCount, CONTEXT_LENGTH_MAX);
  checkCount('rowCountMax', options.rowCountMax, CONTEXT_LENGTH_MAX);
  checkCount('sequenceCountMax', options.sequenceCountMax, SEQUENCE_COUNT_LIMIT);
  const wanted = options.contextLength ?? CONTEXT_LENGTH_DEFAULT;
  const trained = file.contextLengthMax > 0 ? file.contextLengthMax : wanted;
  if (options.contextLength !== undefined && wanted > trained) {
    throw new PilotfishError(
      'option-invalid',
      `A context of ${wanted} tokens exceeds the ${trained} the model was trained for.`,
      { remedy: `Give at most ${trained}.`, fields: { option: 'context', value: wanted } },
    );
  }
  const contextLength = Math.min(wanted, trained);
  const cellCount = options.cellCount ?? wanted;
  if (cellCount < contextLength) {
    throw new PilotfishError(
      'option-invalid',
      `A KV cache of ${cellCount} tokens has no room for a context of ${contextLength}.`,
      { remedy: `Give at least ${contextLength}.`, fields: { option: 'cells', value: cellCount } },
    );
  }
  const rowCountMax = Math.min(options.rowCountMax ?? ROW_COUNT_MAX_DEFAULT, contextLength);
  return {
    contextLength,
    cellCount,
    rowCountMax,
    // llama.cpp aborts the process if a batch has less room than there are sequences.
    sequenceCountMax: Math.min(options.sequenceCountMax ?? SEQUENCE_COUNT_MAX_DEFAULT, rowCountMax),
    threadCount: checkedThreadCount(options.threadCount),
  };
}

function checkCount(option: string, value: number | undefined, most: number): void {
  if (value === undefined) return;
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return;
  throw new PilotfishError(
    'option-invalid',
    `${option} is ${value}, not an integer from 1 to ${most}.`,
    { remedy: `Give ${option} as an integer from 1 to ${most}.`, fields: { option, value } },
  );
}

/** llama.cpp's threads spin at barriers: more threads than processors stall the whole machine. */
function checkedThreadCount(given: number | undefined): number {
  const processors = availableParallelism();
  if (given === undefined) return Math.min(processors, THREAD_COUNT_MAX);
  if (Number.isSafeInteger(given) && given >= 1 && given <= processors) return given;
  throw new PilotfishError(
    'option-invalid',
    `${given} threads cannot work for a model on ${processors} processors.`,
    {
      remedy: `Give a number of threads from 1 to ${processors}.`,
      fields: { option: 'threads', value: given, processors },
    },
  );
}

/** One load at a time: the library's log, which explains a failed load, is global. */
const loads = new FairMutex({ name: 'loading models', waitingCountMax: 64 });

/** The level of errors in llama.cpp's log. */
const LOG_LEVEL_ERROR = 4;
const LOG_LINES_MAX = 20;

async function loadWeights(
  abi: Abi,
  file: ModelFileFacts,
  options: LoadOptions & { name: string },
): Promise<Address> {
  const { signal, onProgress, name } = options;
  const errors: string[] = [];
  let thrown: { readonly error: unknown } | null = null;
  const progress = registerProgress((fraction) => {
    try {
      onProgress?.({ label: `Loading ${name}`, done: fraction, total: 1, unit: 'fraction' });
    } catch (error) {
      // An exception must not cross native code: it stops the load and is thrown afterwards.
      thrown = { error };
    }
    return thrown === null && signal?.aborted !== true;
  });
  const log = registerLog((level, text) => {
    if (level === LOG_LEVEL_ERROR && errors.length < LOG_LINES_MAX) errors.push(text.trim());
  });
  abi.setLog(log, null);
  try {
    const params = { ...abi.modelDefaultParams(), progress_callback: progress };
    const model = await abi.modelLoad(file.path, params);
    if (model !== null && model !== 0n) return model;
    rethrow(thrown);
  } finally {
    abi.setLog(abi.silence, null);
    unregister(log);
    unregister(progress);
  }
  if (signal?.aborted === true) throw abortError(signal);
  throw loadError(file, errors);
}

function rethrow(thrown: { readonly error: unknown } | null): void {
  if (thrown !== null) throw thrown.error;
}

function loadError(file: ModelFileFacts, errors: readonly string[]): PilotfishError {
  const why = errors.join(' ') || 'no reason given';
  const fields = { path: file.path, architecture: file.architecture };
  if (/unknown model architecture/.test(why)) {
    return new PilotfishError(
      'model-architecture-unsupported',
      `This llama.cpp build does not know the architecture "${file.architecture}" (${file.path}).`,
      { remedy: 'Choose a model of an architecture that llama.cpp supports.', fields },
    );
  }
  return new PilotfishError('model-load-failed', `llama.cpp refused ${file.path}: ${why}`, {
    remedy: 'Get the file again, or choose another model.',
    fields,
  });
}

/** Token-level methods cut single tokens off the cache, which only a pure KV cache allows. */
function checkArchitecture(abi: Abi, model: Address, file: ModelFileFacts): void {
  const kinds = [
    { kind: 'a recurrent', is: abi.modelIsRecurrent(model) },
    { kind: 'a hybrid', is: abi.modelIsHybrid(model) },
    { kind: 'a diffusion', is: abi.modelIsDiffusion(model) },
    { kind: 'an encoder-decoder', is: abi.modelHasEncoder(model) },
  ];
  const refused = kinds.find(({ is }) => is);
  if (refused === undefined) return;
  throw new PilotfishError(
    'model-architecture-unsupported',
    `"${file.architecture}" is ${refused.kind} architecture.`,
    {
      remedy: 'Choose a decoder-only transformer: its KV cache can be rolled back.',
      fields: { path: file.path, architecture: file.architecture },
    },
  );
}

interface Parts {
  readonly abi: Abi;
  readonly model: Address;
  readonly executor: Executor;
  readonly vocabulary: LlamaCppVocabulary;
  readonly file: ModelFileFacts;
  readonly shape: LoadShape;
  readonly name: string;
}

export class LlamaCppModel implements LanguageModel {
  readonly facts: ModelFacts;
  readonly vocabulary: LlamaCppVocabulary;
  readonly #parts: Parts;
  readonly #home: SequenceHome;
  readonly #embeddings: EmbeddingTable;
  /** The free slots, with the lowest last. */
  readonly #free: number[];
  #threadCount: number;
  #closing: Promise<void> | null = null;

  constructor(parts: Parts) {
    const { executor, file, shape, vocabulary } = parts;
    this.#parts = parts;
    this.#threadCount = shape.threadCount;
    this.vocabulary = vocabulary;
    this.facts = {
      name: parts.name,
      parameterCounts: file.parameterCounts,
      weightBytes: file.weightBytes,
      kvBytesPerToken: file.kvBytesPerToken,
      hiddenSize: parts.abi.modelHiddenSize(parts.model),
      // The library rounds up, but the requested length holds.
      contextLength: shape.contextLength,
      cellCount: shape.cellCount,
      rowCountMax: shape.rowCountMax,
      sequenceCountMax: shape.sequenceCountMax,
    };
    const { hiddenSize } = this.facts;
    this.#embeddings = new EmbeddingTable({ abi: parts.abi, file, hiddenSize });
    this.#free = Array.from({ length: shape.sequenceCountMax }, (_, index) => index).reverse();
    this.#home = {
      executor,
      contextLength: shape.contextLength,
      rowCountMax: shape.rowCountMax,
      vocabularySize: vocabulary.size,
      open: () => this.openSequence(),
      close: (slot) => this.#close(slot),
    };
  }

  tokenEmbedding(id: TokenId): Float32Array {
    return this.#embeddings.row(id);
  }

  get sequenceCount(): number {
    return this.#parts.shape.sequenceCountMax - this.#free.length;
  }

  countCachedTokens(): Promise<number> {
    const slots = Array.from({ length: this.#parts.shape.sequenceCountMax }, (_, slot) => slot);
    return this.#parts.executor.change((context) =>
      slots.reduce((sum, slot) => sum + context.length(slot), 0),
    );
  }

  /** Native batches so far. They are fewer than forwards if requests shared them. */
  get batchCount(): number {
    return this.#parts.executor.batchCount;
  }

  /** Time in native batches so far. */
  get nativeMs(): number {
    return this.#parts.executor.nativeMs;
  }

  get threadCount(): number {
    return this.#threadCount;
  }

  /** Takes effect at the next batch. @throws PilotfishError `option-invalid`, `disposed` */
  async setThreadCount(threadCount: number): Promise<void> {
    const checked = checkedThreadCount(threadCount);
    await this.#parts.executor.change((context) => context.setThreadCount(checked));
    this.#threadCount = checked;
  }

  openSequence(): LlamaCppSequence {
    if (this.#closing !== null) throw new PilotfishError('disposed', 'The model was closed.');
    const slot = this.#free.pop();
    if (slot !== undefined) return new LlamaCppSequence(this.#home, slot);
    throw new PilotfishError(
      'sequences-exhausted',
      `All ${this.#parts.shape.sequenceCountMax} sequences of ${this.facts.name} are in use.`,
      { remedy: 'Send fewer requests at once.' },
    );
  }

  /** Every call waits for the same closing. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    const { abi, executor, model, vocabulary } = this.#parts;
    vocabulary.close();
    this.#embeddings.close();
    await executor.close();
    await abi.modelFree(model);
    abi.memoryTrim?.(0);
  }

  async #close(slot: number): Promise<void> {
    if (this.#closing !== null) return;
    await this.#parts.executor.change((context) => context.truncate(slot, 0));
    this.#free.push(slot);
  }
}
