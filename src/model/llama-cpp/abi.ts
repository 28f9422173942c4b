/**
 * The C interface of llama.cpp as of the known builds, one to one: structures in declaration order
 * (llama.h) and the functions that are used. The only file that speaks koffi's untyped language;
 * everything it exports is typed, and native pointers are `bigint` addresses.
 *
 * Structures are passed by value. A wrong field here is memory corruption, not an error, which is
 * why `library.ts` refuses libraries it does not know by digest.
 */
import koffi from 'koffi';
import type { LibraryPaths } from './library-lookup.ts';

/** The address of a native object; 0n is NULL. */
export type Address = bigint;

const PTR = 'void *';

const MODEL_PARAMS = koffi.struct({
  devices: PTR,
  tensor_buft_overrides: PTR,
  n_gpu_layers: 'int32_t',
  split_mode: 'int',
  load_mode: 'int',
  lazy_mode: 'int',
  main_gpu: 'int32_t',
  tensor_split: PTR,
  progress_callback: PTR,
  progress_callback_user_data: PTR,
  kv_overrides: PTR,
  vocab_only: 'bool',
  check_tensors: 'bool',
  use_extra_bufts: 'bool',
  no_host: 'bool',
  no_alloc: 'bool',
  load_mtp: 'bool',
});

const CONTEXT_PARAMS = koffi.struct({
  n_ctx: 'uint32_t',
  n_batch: 'uint32_t',
  n_ubatch: 'uint32_t',
  n_seq_max: 'uint32_t',
  n_rs_seq: 'uint32_t',
  n_outputs_max: 'uint32_t',
  n_outputs_max_per_seq: 'uint32_t',
  n_threads: 'int32_t',
  n_threads_batch: 'int32_t',
  ctx_type: 'int',
  rope_scaling_type: 'int',
  pooling_type: 'int',
  attention_type: 'int',
  flash_attn_type: 'int',
  rope_freq_base: 'float',
  rope_freq_scale: 'float',
  yarn_ext_factor: 'float',
  yarn_attn_factor: 'float',
  yarn_beta_fast: 'float',
  yarn_beta_slow: 'float',
  yarn_orig_ctx: 'uint32_t',
  defrag_thold: 'float',
  cb_eval: PTR,
  cb_eval_user_data: PTR,
  type_k: 'int',
  type_v: 'int',
  abort_callback: PTR,
  abort_callback_data: PTR,
  embeddings: 'bool',
  offload_kqv: 'bool',
  no_perf: 'bool',
  op_offload: 'bool',
  swa_full: 'bool',
  kv_unified: 'bool',
  samplers: PTR,
  n_samplers: 'size_t',
  ctx_other: PTR,
});

const BATCH = koffi.struct({
  n_tokens: 'int32_t',
  token: PTR,
  embd: PTR,
  pos: PTR,
  n_seq_id: PTR,
  seq_id: PTR,
  logits: PTR,
});

const GGUF_INIT_PARAMS = koffi.struct({ no_alloc: 'bool', ctx: PTR });

const PROGRESS_CALLBACK = koffi.pointer(koffi.proto('bool', ['float', PTR]));
const LOG_CALLBACK = koffi.pointer(koffi.proto('void', ['int', 'str', PTR]));

/** Fields that this program sets; the others keep the library's defaults. */
export interface ModelParams {
  progress_callback: Address;
  vocab_only: boolean;
}

export interface ContextParams {
  n_ctx: number;
  n_batch: number;
  n_ubatch: number;
  n_seq_max: number;
  n_threads: number;
  n_threads_batch: number;
  pooling_type: number;
  embeddings: boolean;
  no_perf: boolean;
  kv_unified: boolean;
  swa_full: boolean;
}

/** Rows of a forward; each array has `n_tokens` elements. */
export interface Batch {
  readonly n_tokens: number;
  readonly token: Address;
  readonly embd: null;
  readonly pos: Address;
  readonly n_seq_id: Address;
  readonly seq_id: Address;
  readonly logits: Address;
}

export const POOLING_TYPE_NONE = 0;

/** Results of `llama_decode`. */
export const DECODE_OK = 0;
export const DECODE_KV_FULL = 1;
export const DECODE_ABORTED = 2;

type Native<A extends readonly unknown[], R> = (...args: A) => R;
type NativeAsync<A extends readonly unknown[], R> = (...args: A) => Promise<R>;

function asPromise<A extends readonly unknown[], R>(native: {
  async: (...args: unknown[]) => unknown;
}): NativeAsync<A, R> {
  return (...args) =>
    new Promise<R>((resolve, reject) => {
      native.async(...args, (error: unknown, result: R) => {
        if (error === null || error === undefined) resolve(result);
        else reject(error);
      });
    });
}

/** Koffi runs asynchronous calls on stacks of its own; 64 KiB overflow in a prefill. */
const ASYNC_STACK_BYTES = 1 << 20;

/** Loads the libraries and binds every function. Call once: koffi's settings hold per process. */
export function bind(paths: LibraryPaths): Abi {
  koffi.config({ async_stack_size: ASYNC_STACK_BYTES });
  const base = koffi.load(paths.ggmlBase);
  const ggml = koffi.load(paths.ggml);
  const llama = koffi.load(paths.llama);
  const c = koffi.load(null);
  return {
    ...bindModel(llama),
    ...bindContext(llama),
    ...bindVocabulary(llama),
    ...bindGguf(base),
    backendLoadAll: ggml.func('ggml_backend_load_all_from_path', 'void', ['str']),
    version: llama.func('llama_version', 'str', []),
    backendInit: llama.func('llama_backend_init', 'void', []),
    setLog: llama.func('llama_log_set', 'void', [PTR, PTR]),
    // A function that ignores its arguments: a log callback that never enters JavaScript.
    silence: base.symbol('ggml_time_us'),
    // "Is the C string non-empty?": as an abort callback over a two-byte buffer it is a native
    // flag, read by the compute threads without entering JavaScript.
    stringLength: c.symbol('strlen'),
    memoryTrim: optional(() => c.func('malloc_trim', 'int', ['size_t'])),
  };
}

/** A function that exists with some C libraries only. */
function optional<T>(find: () => T): T | null {
  try {
    return find();
  } catch {
    return null;
  }
}

type Library = ReturnType<typeof koffi.load>;

function bindModel(llama: Library): ModelAbi {
  return {
    modelDefaultParams: llama.func('llama_model_default_params', MODEL_PARAMS, []),
    modelLoad: asPromise(llama.func('llama_model_load_from_file', PTR, ['str', MODEL_PARAMS])),
    modelFree: asPromise(llama.func('llama_model_free', 'void', [PTR])),
    modelVocabulary: llama.func('llama_model_get_vocab', PTR, [PTR]),
    modelHiddenSize: llama.func('llama_model_n_embd_out', 'int32_t', [PTR]),
    modelIsRecurrent: llama.func('llama_model_is_recurrent', 'bool', [PTR]),
    modelHasEncoder: llama.func('llama_model_has_encoder', 'bool', [PTR]),
  };
}

function bindContext(llama: Library): ContextAbi {
  return {
    contextDefaultParams: llama.func('llama_context_default_params', CONTEXT_PARAMS, []),
    contextInit: asPromise(llama.func('llama_init_from_model', PTR, [PTR, CONTEXT_PARAMS])),
    contextFree: asPromise(llama.func('llama_free', 'void', [PTR])),
    setAbortCallback: llama.func('llama_set_abort_callback', 'void', [PTR, PTR, PTR]),
    setEmbeddings: llama.func('llama_set_embeddings', 'void', [PTR, 'bool']),
    decode: asPromise(llama.func('llama_decode', 'int32_t', [PTR, BATCH])),
    logitsOf: llama.func('llama_get_logits_ith', PTR, [PTR, 'int32_t']),
    hiddenOf: llama.func('llama_get_embeddings_ith', PTR, [PTR, 'int32_t']),
    memory: llama.func('llama_get_memory', PTR, [PTR]),
    sequenceRemove: llama.func('llama_memory_seq_rm', 'bool', [
      PTR,
      'int32_t',
      'int32_t',
      'int32_t',
    ]),
    sequenceCopy: llama.func('llama_memory_seq_cp', 'void', [
      PTR,
      'int32_t',
      'int32_t',
      'int32_t',
      'int32_t',
    ]),
    sequencePositionMax: llama.func('llama_memory_seq_pos_max', 'int32_t', [PTR, 'int32_t']),
  };
}

function bindVocabulary(llama: Library): VocabularyAbi {
  return {
    tokenCount: llama.func('llama_vocab_n_tokens', 'int32_t', [PTR]),
    tokenText: llama.func('llama_vocab_get_text', 'str', [PTR, 'int32_t']),
    tokenIsEndOfGeneration: llama.func('llama_vocab_is_eog', 'bool', [PTR, 'int32_t']),
    tokenToPiece: llama.func('llama_token_to_piece', 'int32_t', [
      PTR,
      'int32_t',
      PTR,
      'int32_t',
      'int32_t',
      'bool',
    ]),
    tokenize: llama.func('llama_tokenize', 'int32_t', [
      PTR,
      PTR,
      'int32_t',
      PTR,
      'int32_t',
      'bool',
      'bool',
    ]),
    tokenBos: llama.func('llama_vocab_bos', 'int32_t', [PTR]),
    tokenEos: llama.func('llama_vocab_eos', 'int32_t', [PTR]),
    addsBos: llama.func('llama_vocab_get_add_bos', 'bool', [PTR]),
  };
}

function bindGguf(base: Library): GgufAbi {
  return {
    ggufOpen: base.func('gguf_init_from_file', PTR, ['str', GGUF_INIT_PARAMS]),
    ggufFree: base.func('gguf_free', 'void', [PTR]),
    ggufFindKey: base.func('gguf_find_key', 'int64_t', [PTR, 'str']),
    ggufType: base.func('gguf_get_kv_type', 'int', [PTR, 'int64_t']),
    ggufString: base.func('gguf_get_val_str', 'str', [PTR, 'int64_t']),
    ggufU32: base.func('gguf_get_val_u32', 'uint32_t', [PTR, 'int64_t']),
    ggufU64: base.func('gguf_get_val_u64', 'uint64_t', [PTR, 'int64_t']),
    ggufI32: base.func('gguf_get_val_i32', 'int32_t', [PTR, 'int64_t']),
    ggufArrayLength: base.func('gguf_get_arr_n', 'size_t', [PTR, 'int64_t']),
    ggufDataOffset: base.func('gguf_get_data_offset', 'size_t', [PTR]),
    ggufTensorCount: base.func('gguf_get_n_tensors', 'int64_t', [PTR]),
    ggufTensorName: base.func('gguf_get_tensor_name', 'str', [PTR, 'int64_t']),
    ggufTensorType: base.func('gguf_get_tensor_type', 'int', [PTR, 'int64_t']),
    ggufTensorShape: base.func('gguf_get_tensor_ne', PTR, [PTR, 'int64_t']),
    ggufTensorOffset: base.func('gguf_get_tensor_offset', 'size_t', [PTR, 'int64_t']),
    ggufTensorBytes: base.func('gguf_get_tensor_size', 'size_t', [PTR, 'int64_t']),
    ggmlTypeName: base.func('ggml_type_name', 'str', ['int']),
  };
}

interface ModelAbi {
  readonly modelDefaultParams: Native<[], ModelParams>;
  readonly modelLoad: NativeAsync<[path: string, params: ModelParams], Address>;
  readonly modelFree: NativeAsync<[model: Address], void>;
  readonly modelVocabulary: Native<[model: Address], Address>;
  readonly modelHiddenSize: Native<[model: Address], number>;
  readonly modelIsRecurrent: Native<[model: Address], boolean>;
  readonly modelHasEncoder: Native<[model: Address], boolean>;
}

interface ContextAbi {
  readonly contextDefaultParams: Native<[], ContextParams>;
  readonly contextInit: NativeAsync<[model: Address, params: ContextParams], Address>;
  readonly contextFree: NativeAsync<[context: Address], void>;
  readonly setAbortCallback: Native<[context: Address, callback: Address, flag: Address], void>;
  readonly setEmbeddings: Native<[context: Address, on: boolean], void>;
  readonly decode: NativeAsync<[context: Address, batch: Batch], number>;
  readonly logitsOf: Native<[context: Address, batchIndex: number], Address | null>;
  readonly hiddenOf: Native<[context: Address, batchIndex: number], Address | null>;
  readonly memory: Native<[context: Address], Address>;
  readonly sequenceRemove: Native<[m: Address, id: number, from: number, to: number], boolean>;
  readonly sequenceCopy: Native<
    [m: Address, source: number, target: number, from: number, to: number],
    void
  >;
  readonly sequencePositionMax: Native<[memory: Address, id: number], number>;
}

interface VocabularyAbi {
  readonly tokenCount: Native<[vocabulary: Address], number>;
  readonly tokenText: Native<[vocabulary: Address, id: number], string>;
  readonly tokenIsEndOfGeneration: Native<[vocabulary: Address, id: number], boolean>;
  readonly tokenToPiece: Native<
    [v: Address, id: number, to: Uint8Array, size: number, stripped: number, special: boolean],
    number
  >;
  readonly tokenize: Native<
    [
      v: Address,
      text: Uint8Array,
      textBytes: number,
      to: Int32Array,
      size: number,
      addSpecial: boolean,
      parseSpecial: boolean,
    ],
    number
  >;
  readonly tokenBos: Native<[vocabulary: Address], number>;
  readonly tokenEos: Native<[vocabulary: Address], number>;
  readonly addsBos: Native<[vocabulary: Address], boolean>;
}

type GgufKey = number | bigint;

interface GgufAbi {
  readonly ggufOpen: Native<[path: string, params: { no_alloc: true; ctx: null }], Address | null>;
  readonly ggufFree: Native<[gguf: Address], void>;
  readonly ggufFindKey: Native<[gguf: Address, key: string], GgufKey>;
  readonly ggufType: Native<[gguf: Address, key: GgufKey], number>;
  readonly ggufString: Native<[gguf: Address, key: GgufKey], string>;
  readonly ggufU32: Native<[gguf: Address, key: GgufKey], number>;
  readonly ggufU64: Native<[gguf: Address, key: GgufKey], number | bigint>;
  readonly ggufI32: Native<[gguf: Address, key: GgufKey], number>;
  readonly ggufArrayLength: Native<[gguf: Address, key: GgufKey], number | bigint>;
  readonly ggufDataOffset: Native<[gguf: Address], number | bigint>;
  readonly ggufTensorCount: Native<[gguf: Address], number | bigint>;
  readonly ggufTensorName: Native<[gguf: Address, tensor: number], string>;
  readonly ggufTensorType: Native<[gguf: Address, tensor: number], number>;
  readonly ggufTensorShape: Native<[gguf: Address, tensor: number], Address>;
  readonly ggufTensorOffset: Native<[gguf: Address, tensor: number], number | bigint>;
  readonly ggufTensorBytes: Native<[gguf: Address, tensor: number], number | bigint>;
  readonly ggmlTypeName: Native<[type: number], string>;
}

interface ProcessAbi {
  readonly backendLoadAll: Native<[folder: string], void>;
  readonly version: Native<[], string>;
  readonly backendInit: Native<[], void>;
  readonly setLog: Native<[callback: Address | null, user: null], void>;
  readonly silence: Address;
  readonly stringLength: Address;
  readonly memoryTrim: Native<[pad: number], number> | null;
}

export interface Abi extends ModelAbi, ContextAbi, VocabularyAbi, GgufAbi, ProcessAbi {}

/** Registers a load-progress callback; the load stops when it returns false. */
export function registerProgress(callback: (fraction: number) => boolean): Address {
  return koffi.register(callback, PROGRESS_CALLBACK);
}

/** Registers a log callback. Lines from native threads are relayed to the event loop. */
export function registerLog(callback: (level: number, text: string) => void): Address {
  return koffi.register((level: number, text: string) => callback(level, text), LOG_CALLBACK);
}

export function unregister(callback: Address): void {
  koffi.unregister(callback);
}

/** A zero-copy view of native floats. Valid until the native buffer moves or dies. */
export function floatView(address: Address, length: number): Float32Array {
  return new Float32Array(koffi.view(address, length * 4));
}

export function int32View(address: Address, length: number): Int32Array {
  return new Int32Array(koffi.view(address, length * 4));
}

export function byteView(address: Address, length: number): Int8Array {
  return new Int8Array(koffi.view(address, length));
}

export function bigInt64View(address: Address, length: number): BigInt64Array {
  return new BigInt64Array(koffi.view(address, length * 8));
}

/** Native memory that this program owns. */
export function allocate(byteCount: number): Address {
  return koffi.alloc('uint8_t', byteCount);
}

export function release(address: Address): void {
  koffi.free(address);
}
