/**
 * Binds the C interface of llama.cpp for the known builds: structures in declaration order (llama.h)
 * and the functions of native-api.ts. No other file uses koffi's untyped interface.
 *
 * Structures are passed by value. A wrong field here corrupts memory instead of raising an error.
 * That is why `library.ts` refuses libraries whose digest it does not know.
 */
import koffi from 'koffi';
import { PilotfishError } from '../../core/errors.ts';
import type { LibraryPaths } from './library-lookup.ts';
import type {
  Abi,
  Address,
  ContextAbi,
  GgufAbi,
  ModelAbi,
  NativeAsync,
  ThreadpoolAbi,
  VocabularyAbi,
} from './native-api.ts';

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

/** GGML_MAX_N_THREADS */
const THREAD_COUNT_LIMIT = 512;

const THREADPOOL_PARAMS = koffi.struct({
  cpumask: koffi.array('bool', THREAD_COUNT_LIMIT),
  n_threads: 'int',
  prio: 'int',
  poll: 'uint32_t',
  strict_cpu: 'bool',
  paused: 'bool',
});
const THREADPOOL_NEW = koffi.proto(PTR, [koffi.pointer(THREADPOOL_PARAMS)]);

const GGUF_INIT_PARAMS = koffi.struct({ no_alloc: 'bool', ctx: PTR });

const PROGRESS_CALLBACK = koffi.pointer(koffi.proto('bool', ['float', PTR]));
const LOG_CALLBACK = koffi.pointer(koffi.proto('void', ['int', 'str', PTR]));

export const POOLING_TYPE_NONE = 0;

/** Results of `llama_decode`. */
export const DECODE_OK = 0;
export const DECODE_KV_FULL = 1;
export const DECODE_ABORTED = 2;

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

/** Koffi runs asynchronous calls on stacks of its own. 64 KiB overflow in a prefill. */
const ASYNC_STACK_BYTES = 1 << 20;
/** Koffi's own default, which is enough (in the FFI measurements 80 KiB was, 64 KiB was not). */
const ASYNC_STACK_BYTES_MIN = 1 << 17;

/**
 * Loads the libraries and binds every function. Call it once, because koffi's settings hold per
 * process.
 */
export function bind(paths: LibraryPaths): Abi {
  setStackSize();
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
    ...bindThreadpool(base, ggml, llama),
    version: llama.func('llama_version', 'str', []),
    backendInit: llama.func('llama_backend_init', 'void', []),
    setLog: llama.func('llama_log_set', 'void', [PTR, PTR]),
    // A function that ignores its arguments: as a log callback it never enters JavaScript.
    silence: base.symbol('ggml_time_us'),
    // strlen as an abort callback over a two-byte buffer is a native flag ("is the C string
    // non-empty?") that the compute threads read without entering JavaScript.
    stringLength: c.symbol('strlen'),
    memoryTrim: optional(() => c.func('malloc_trim', 'int', ['size_t'])),
  };
}

/** Koffi accepts settings only before the first library is loaded, which the host may have done. */
function setStackSize(): void {
  try {
    koffi.config({ async_stack_size: ASYNC_STACK_BYTES });
  } catch (cause) {
    const bytes = koffi.config().async_stack_size ?? 0;
    if (bytes >= ASYNC_STACK_BYTES_MIN) return;
    throw new PilotfishError(
      'library-mismatch',
      `koffi is already in use with stacks of ${bytes} bytes for asynchronous calls.`,
      {
        remedy: `Call koffi.config({ async_stack_size: ${ASYNC_STACK_BYTES} }) before loading libraries.`,
        fields: { bytes },
        cause,
      },
    );
  }
}

/** A function that only some C libraries have. */
function optional<T>(find: () => T): T | null {
  try {
    return find();
  } catch {
    return null;
  }
}

type Library = ReturnType<typeof koffi.load>;

/**
 * The pool's constructor is in the CPU back-end that was chosen at run time, so it is looked up by
 * name.
 */
function bindThreadpool(base: Library, ggml: Library, llama: Library): ThreadpoolAbi {
  const registration = ggml.func('ggml_backend_reg_by_name', PTR, ['str']);
  const find = base.func('ggml_backend_reg_get_proc_address', PTR, [PTR, 'str']);
  const defaults = base.func('ggml_threadpool_params_default', THREADPOOL_PARAMS, ['int']);
  return {
    threadpoolNew(threadCount) {
      const create = find(registration('CPU'), 'ggml_threadpool_new');
      return create === null ? null : koffi.call(create, THREADPOOL_NEW, defaults(threadCount));
    },
    threadpoolAttach: llama.func('llama_attach_threadpool', 'void', [PTR, PTR, PTR]),
    setThreadCount: llama.func('llama_set_n_threads', 'void', [PTR, 'int32_t', 'int32_t']),
  };
}

function bindModel(llama: Library): ModelAbi {
  return {
    modelDefaultParams: llama.func('llama_model_default_params', MODEL_PARAMS, []),
    modelLoad: asPromise(llama.func('llama_model_load_from_file', PTR, ['str', MODEL_PARAMS])),
    modelFree: asPromise(llama.func('llama_model_free', 'void', [PTR])),
    modelVocabulary: llama.func('llama_model_get_vocab', PTR, [PTR]),
    modelHiddenSize: llama.func('llama_model_n_embd_out', 'int32_t', [PTR]),
    modelIsHybrid: llama.func('llama_model_is_hybrid', 'bool', [PTR]),
    modelIsDiffusion: llama.func('llama_model_is_diffusion', 'bool', [PTR]),
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
    vocabularyType: llama.func('llama_vocab_type', 'int', [PTR]),
    tokenCount: llama.func('llama_vocab_n_tokens', 'int32_t', [PTR]),
    tokenText: llama.func('llama_vocab_get_text', 'str', [PTR, 'int32_t']),
    tokenAttributes: llama.func('llama_vocab_get_attr', 'int', [PTR, 'int32_t']),
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
    ggufU16: base.func('gguf_get_val_u16', 'uint16_t', [PTR, 'int64_t']),
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
    ggmlDequantiser: (type) => {
      const name = DEQUANTISERS[type] ?? `dequantize_row_${type}`;
      return optional(() => base.func(name, 'void', [PTR, PTR, 'int64_t']));
    },
  };
}

/** Function names by type, for functions that are not named after their type. */
const DEQUANTISERS: Readonly<Record<string, string>> = {
  f16: 'ggml_fp16_to_fp32_row',
  bf16: 'ggml_bf16_to_fp32_row',
};

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
