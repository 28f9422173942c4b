/**
 * The native functions as the rest of the program sees them: typed, one to one with llama.h, gguf.h
 * and ggml-backend.h. Addresses are opaque numbers. `abi.ts` binds the functions.
 */

/** The address of a native object; 0n is NULL. */
export type Address = bigint;

/** The fields that this program sets. The others keep the library's defaults. */
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

export type Native<A extends readonly unknown[], R> = (...args: A) => R;
export type NativeAsync<A extends readonly unknown[], R> = (...args: A) => Promise<R>;

export interface ModelAbi {
  readonly modelDefaultParams: Native<[], ModelParams>;
  readonly modelLoad: NativeAsync<[path: string, params: ModelParams], Address>;
  readonly modelFree: NativeAsync<[model: Address], void>;
  readonly modelVocabulary: Native<[model: Address], Address>;
  readonly modelHiddenSize: Native<[model: Address], number>;
  readonly modelIsHybrid: Native<[model: Address], boolean>;
  readonly modelIsDiffusion: Native<[model: Address], boolean>;
  readonly modelIsRecurrent: Native<[model: Address], boolean>;
  readonly modelHasEncoder: Native<[model: Address], boolean>;
}

export interface ContextAbi {
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

export interface VocabularyAbi {
  readonly vocabularyType: Native<[vocabulary: Address], number>;
  readonly tokenCount: Native<[vocabulary: Address], number>;
  readonly tokenText: Native<[vocabulary: Address, id: number], string>;
  /** The bits of `llama_token_attr`. */
  readonly tokenAttributes: Native<[vocabulary: Address, id: number], number>;
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

export type GgufKey = number | bigint;

/** @param count the number of elements: whole blocks, or the process aborts */
export type Dequantiser = Native<[from: Uint8Array, to: Float32Array, count: number], void>;

export interface GgufAbi {
  readonly ggufOpen: Native<[path: string, params: { no_alloc: true; ctx: null }], Address | null>;
  readonly ggufFree: Native<[gguf: Address], void>;
  readonly ggufFindKey: Native<[gguf: Address, key: string], GgufKey>;
  readonly ggufType: Native<[gguf: Address, key: GgufKey], number>;
  readonly ggufString: Native<[gguf: Address, key: GgufKey], string>;
  readonly ggufU16: Native<[gguf: Address, key: GgufKey], number>;
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
  /** The function that turns elements of a type, given by name, into floats; null if there is none. */
  readonly ggmlDequantiser: Native<[type: string], Dequantiser | null>;
}

export interface ThreadpoolAbi {
  readonly threadpoolNew: Native<[threadCount: number], Address | null>;
  readonly threadpoolAttach: Native<[context: Address, decode: Address, batch: Address], void>;
  readonly setThreadCount: Native<[context: Address, decode: number, batch: number], void>;
}

export interface ProcessAbi {
  readonly backendLoadAll: Native<[folder: string], void>;
  readonly version: Native<[], string>;
  readonly backendInit: Native<[], void>;
  readonly setLog: Native<[callback: Address | null, user: null], void>;
  readonly silence: Address;
  readonly stringLength: Address;
  readonly memoryTrim: Native<[pad: number], number> | null;
}

export interface Abi
  extends ModelAbi,
    ContextAbi,
    VocabularyAbi,
    GgufAbi,
    ThreadpoolAbi,
    ProcessAbi {}
