/**
 * Reads the facts that a GGUF file states about itself without loading its weights: shape, sizes,
 * parameter counts, and whether it is complete. llama.cpp's own functions (`gguf_*`) parse it, so the
 * loader understands every file that passes here.
 */
import { open, stat } from 'node:fs/promises';
import { PilotfishError } from '../../core/errors.ts';
import type { ParameterCounts } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import { fileError } from '../../storage/file-error.ts';
import { partPaths } from '../../storage/split-file.ts';
import { bigInt64View } from './abi.ts';
import { loadLibrary } from './library.ts';
import type { Abi, Address } from './native-api.ts';

export interface ModelFileFacts {
  /** The file, or the first of its parts. */
  readonly path: string;
  /** Of all parts. */
  readonly byteCount: number;
  readonly architecture: string;
  readonly name: string | null;
  /** The type of the most weight bytes, for example `q4_K`. */
  readonly quantisation: string | null;
  readonly layerCount: number;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  /** The context length the model was trained for. */
  readonly contextLengthMax: number;
  readonly tensorCount: number;
  /** The bytes that one forward reads: all tensors except an embedding table that is only looked up. */
  readonly weightBytes: number;
  readonly parameterCounts: ParameterCounts;
  readonly chatTemplate: string | null;
  /** Bytes of keys and values of one position in all layers, in half precision. */
  readonly kvBytesPerToken: number;
  /** Null if the file has none. */
  readonly tokenEmbeddings: EmbeddingTensor | null;
}

/** The input embeddings in a file, row after row. */
export interface EmbeddingTensor {
  /** The file, which is one of the parts of a split model. */
  readonly path: string;
  /** The type of the elements, such as `q8_0`. */
  readonly type: string;
  /** The offset of the first row in the file, in bytes. */
  readonly offset: number;
  readonly byteCount: number;
  /** The number of elements of a row. */
  readonly width: number;
  readonly rowCount: number;
}

interface Tensor {
  readonly path: string;
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly elementCount: number;
  readonly offset: number;
  readonly byteCount: number;
}

const GGUF_MAGIC = 'GGUF';
const TENSOR_DIMENSIONS_MAX = 4;
const GGUF_TYPE_U16 = 2;
const GGUF_TYPE_U32 = 4;
const GGUF_TYPE_I32 = 5;
const GGUF_TYPE_STRING = 8;
const GGUF_TYPE_ARRAY = 9;
const GGUF_TYPE_U64 = 10;

/**
 * @throws PilotfishError `model-file-missing`, `model-file-invalid`, `model-file-truncated`,
 *   `file-system-failed`
 */
export async function readModelFile(path: string): Promise<ModelFileFacts> {
  await checkMagic(path);
  const paths = await partPaths(path);
  const parts: FilePart[] = [];
  for (const [index, part] of paths.entries()) {
    parts.push(await readPart(part, { index, count: paths.length }));
  }
  const header = required(parts[0]?.header, 'the first part describes the model');
  const tensors = parts.flatMap((part) => part.tensors);
  const byteCount = parts.reduce((sum, part) => sum + part.byteCount, 0);
  return { ...header, byteCount, ...tensorFacts(tensors) };
}

interface FilePart {
  /** Null in later parts. */
  readonly header: Header | null;
  readonly tensors: readonly Tensor[];
  readonly byteCount: number;
}

/** The place of a part in a model. */
interface Place {
  readonly index: number;
  readonly count: number;
}

async function readPart(path: string, place: Place): Promise<FilePart> {
  const byteCount = await checkMagic(path);
  const { abi } = loadLibrary();
  const gguf = abi.ggufOpen(path, { no_alloc: true, ctx: null });
  if (gguf === null || gguf === 0n) {
    throw truncated(path, byteCount, 'its header is incomplete or damaged');
  }
  try {
    const reader = new GgufReader(abi, gguf);
    checkPlace(path, reader, place);
    const tensors = reader.tensors().map((tensor) => ({ ...tensor, path }));
    const end = tensors.reduce(
      (most, tensor) => Math.max(most, tensor.offset + tensor.byteCount),
      0,
    );
    if (end > byteCount) throw truncated(path, byteCount, `its tensors need ${end} bytes`);
    // Only the first part describes the model.
    const header = place.index === 0 ? headerOf(reader, path) : null;
    return { header, tensors, byteCount };
  } finally {
    abi.ggufFree(gguf);
  }
}

/** A part under another name would be loaded without the others, or in their place. */
function checkPlace(path: string, gguf: GgufReader, { index, count }: Place): void {
  const own = { index: gguf.number('split.no') ?? 0, count: gguf.number('split.count') ?? 1 };
  if (Math.max(1, own.count) === count && own.index === index) return;
  const says = `it is part ${own.index + 1} of ${own.count}`;
  throw new PilotfishError(
    'model-file-invalid',
    `${path} has the wrong name: by its content ${says} of a split model.`,
    {
      remedy: 'Give the parts their names back: NAME-00001-of-00003.gguf is the first of three.',
      fields: { path, part: own.index + 1, partCount: own.count },
    },
  );
}

async function checkMagic(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile()) {
    throw new PilotfishError('model-file-missing', `There is no model file at ${path}.`, {
      remedy: 'Check the path, or run "pilotfish models list" for known models.',
      fields: { path },
    });
  }
  try {
    await using handle = await open(path);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.toString('latin1', 0, bytesRead) === GGUF_MAGIC) return found.size;
  } catch (error) {
    throw fileError(error, { action: 'read the model', path });
  }
  throw new PilotfishError('model-file-invalid', `${path} is not a GGUF file.`, {
    remedy: 'Give a file in GGUF format; other formats can be converted with llama.cpp.',
    fields: { path, byteCount: found.size },
  });
}

function truncated(path: string, byteCount: number, why: string): PilotfishError {
  return new PilotfishError(
    'model-file-truncated',
    `The model file ${path} (${byteCount} bytes) is not whole: ${why}.`,
    { remedy: 'Get the file again; a known model with "pilotfish models pull".', fields: { path } },
  );
}

/** The facts of a model that its metadata states. */
type Header = Omit<ModelFileFacts, 'byteCount' | keyof ReturnType<typeof tensorFacts>>;

function headerOf(gguf: GgufReader, path: string): Header {
  const architecture = gguf.string('general.architecture') ?? 'unknown';
  const number = (key: string): number => gguf.number(`${architecture}.${key}`) ?? 0;
  const layerCount = number('block_count');
  checkLayerCount(path, layerCount);
  const hiddenSize = number('embedding_length');
  const headCount = number('attention.head_count');
  const headSize = headCount > 0 ? hiddenSize / headCount : 0;
  const keySize = gguf.number(`${architecture}.attention.key_length`) ?? headSize;
  const valueSize = gguf.number(`${architecture}.attention.value_length`) ?? headSize;
  const kvHeadCount = gguf.number(`${architecture}.attention.head_count_kv`) ?? headCount;
  return {
    path,
    architecture,
    name: gguf.string('general.name'),
    layerCount,
    hiddenSize,
    vocabularySize: gguf.arrayLength('tokenizer.ggml.tokens'),
    contextLengthMax: number('context_length'),
    chatTemplate: gguf.string('tokenizer.chat_template'),
    kvBytesPerToken: layerCount * kvHeadCount * (keySize + valueSize) * 2,
  };
}

/** The facts of a model that its tensors tell, from all parts. */
function tensorFacts(tensors: readonly Tensor[]) {
  return {
    quantisation: mainType(tensors),
    tensorCount: tensors.length,
    ...weights(tensors),
    tokenEmbeddings: embeddingTensor(tensors),
  };
}

const TOKEN_EMBEDDINGS = 'token_embd.weight';

function embeddingTensor(tensors: readonly Tensor[]): EmbeddingTensor | null {
  const found = tensors.find(({ name }) => name === TOKEN_EMBEDDINGS);
  if (found === undefined) return null;
  const { path, type, offset, byteCount, shape } = found;
  const [width = 0, rowCount = 0] = shape;
  return { path, type, offset, byteCount, width, rowCount };
}

/** LLAMA_MAX_LAYERS: the library aborts the process beyond it, and for 0 layers. */
const LAYER_COUNT_MAX = 512;

function checkLayerCount(path: string, layerCount: number): void {
  if (layerCount >= 1 && layerCount <= LAYER_COUNT_MAX) return;
  throw new PilotfishError('model-file-invalid', `${path} says it has ${layerCount} layers.`, {
    remedy: 'Give a language model; other GGUF files, such as adapters, cannot be run.',
    fields: { path, layerCount },
  });
}

/**
 * Splits the parameters by their readers. With tied embeddings (no `output.weight`) the table is also
 * the output head. With untied embeddings it is only looked up, one row per token, and costs nothing.
 */
function weights(tensors: readonly Tensor[]): {
  weightBytes: number;
  parameterCounts: ParameterCounts;
} {
  const head =
    tensors.find((tensor) => tensor.name === 'output.weight') ??
    tensors.find((tensor) => tensor.name === TOKEN_EMBEDDINGS);
  let body = 0;
  let weightBytes = head?.byteCount ?? 0;
  for (const tensor of tensors) {
    if (tensor.name === 'output.weight' || tensor.name === TOKEN_EMBEDDINGS) continue;
    body += tensor.elementCount;
    weightBytes += tensor.byteCount;
  }
  return { weightBytes, parameterCounts: { body, outputHead: head?.elementCount ?? 0 } };
}

function mainType(tensors: readonly Tensor[]): string | null {
  const bytes = new Map<string, number>();
  for (const { type, byteCount } of tensors) bytes.set(type, (bytes.get(type) ?? 0) + byteCount);
  return [...bytes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

/** Typed look-ups in an open GGUF file. Absent keys and wrong types give null. */
class GgufReader {
  readonly #abi: Abi;
  readonly #gguf: Address;

  constructor(abi: Abi, gguf: Address) {
    this.#abi = abi;
    this.#gguf = gguf;
  }

  string(key: string): string | null {
    const found = this.#find(key);
    return found?.type === GGUF_TYPE_STRING ? this.#abi.ggufString(this.#gguf, found.key) : null;
  }

  /** An integer; the largest of a list (per-layer head counts). */
  number(key: string): number | null {
    const found = this.#find(key);
    if (found === null) return null;
    switch (found.type) {
      case GGUF_TYPE_U16:
        return this.#abi.ggufU16(this.#gguf, found.key);
      case GGUF_TYPE_U32:
        return this.#abi.ggufU32(this.#gguf, found.key);
      case GGUF_TYPE_I32:
        return this.#abi.ggufI32(this.#gguf, found.key);
      case GGUF_TYPE_U64:
        return Number(this.#abi.ggufU64(this.#gguf, found.key));
      default:
        return null;
    }
  }

  arrayLength(key: string): number {
    const found = this.#find(key);
    if (found?.type !== GGUF_TYPE_ARRAY) return 0;
    return Number(this.#abi.ggufArrayLength(this.#gguf, found.key));
  }

  tensors(): Omit<Tensor, 'path'>[] {
    const dataOffset = Number(this.#abi.ggufDataOffset(this.#gguf));
    const count = Number(this.#abi.ggufTensorCount(this.#gguf));
    return Array.from({ length: count }, (_, index) => this.#tensor(index, dataOffset));
  }

  #tensor(index: number, dataOffset: number): Omit<Tensor, 'path'> {
    const abi = this.#abi;
    const sizes = bigInt64View(abi.ggufTensorShape(this.#gguf, index), TENSOR_DIMENSIONS_MAX);
    const shape = Array.from(sizes, Number);
    const byteCount = Number(abi.ggufTensorBytes(this.#gguf, index));
    return {
      name: abi.ggufTensorName(this.#gguf, index),
      type: abi.ggmlTypeName(abi.ggufTensorType(this.#gguf, index)),
      shape,
      elementCount: shape.reduce((product, size) => product * size, 1),
      offset: dataOffset + Number(abi.ggufTensorOffset(this.#gguf, index)),
      byteCount,
    };
  }

  #find(key: string): { key: number | bigint; type: number } | null {
    const found = this.#abi.ggufFindKey(this.#gguf, key);
    return Number(found) < 0 ? null : { key: found, type: this.#abi.ggufType(this.#gguf, found) };
  }
}
