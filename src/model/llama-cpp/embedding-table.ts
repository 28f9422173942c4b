/**
 * The input embeddings of a model, read from its file one row at a time: all of them in floats would
 * take as much memory as the model (545 MB for 0.5 billion parameters). llama.cpp's own functions
 * turn them into numbers, so every type that llama.cpp runs is read in the same way. The file is
 * opened at the first row.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { PilotfishError } from '../../core/errors.ts';
import { invariant } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import { fileError } from '../../storage/file-error.ts';
import type { EmbeddingTensor, ModelFileFacts } from './model-file.ts';
import type { Abi, Dequantiser } from './native-api.ts';

export interface EmbeddingTableOptions {
  readonly abi: Pick<Abi, 'ggmlDequantiser'>;
  readonly file: Pick<ModelFileFacts, 'path' | 'tokenEmbeddings'>;
  /** The number of floats that a row must have. */
  readonly hiddenSize: number;
}

interface OpenTable {
  readonly tensor: EmbeddingTensor;
  readonly descriptor: number;
  readonly dequantise: Dequantiser;
  /** The bytes of one row. */
  readonly bytes: Uint8Array;
}

export class EmbeddingTable {
  readonly #options: EmbeddingTableOptions;
  #open: OpenTable | null = null;
  #isClosed = false;

  constructor(options: EmbeddingTableOptions) {
    this.#options = options;
  }

  /**
   * [hiddenSize] a copy for the caller. Synchronously reads the disk or the system's page cache.
   * @throws PilotfishError `embedding-unavailable`, `file-system-failed`, `disposed`
   */
  row(id: TokenId): Float32Array {
    if (this.#isClosed) throw new PilotfishError('disposed', 'The model was closed.');
    this.#open ??= openTable(this.#options);
    const { tensor, descriptor, dequantise, bytes } = this.#open;
    invariant(id >= 0 && id < tensor.rowCount, `there is no embedding of token ${id}`);
    const { path } = tensor;
    const offset = tensor.offset + id * bytes.length;
    const byteCount = onDisk(path, () => readSync(descriptor, bytes, 0, bytes.length, offset));
    if (byteCount < bytes.length) throw unavailable(path, 'its file was cut');
    const row = new Float32Array(tensor.width);
    dequantise(bytes, row, tensor.width);
    return row;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#open !== null) closeSync(this.#open.descriptor);
    this.#open = null;
  }
}

function openTable({ abi, file, hiddenSize }: EmbeddingTableOptions): OpenTable {
  const { path, tokenEmbeddings: tensor } = file;
  if (tensor === null) throw unavailable(path, 'the file has none');
  const { type, width, rowCount, byteCount } = tensor;
  if (width !== hiddenSize) {
    throw unavailable(path, `they have ${width} numbers, and hidden states ${hiddenSize}`);
  }
  const dequantise = type === 'f32' ? copyFloats : abi.ggmlDequantiser(type);
  if (dequantise === null) throw unavailable(path, `their type is ${type}`);
  const bytes = new Uint8Array(byteCount / rowCount);
  return {
    tensor,
    dequantise,
    bytes,
    descriptor: onDisk(tensor.path, () => openSync(tensor.path, 'r')),
  };
}

const copyFloats: Dequantiser = (from, to) => {
  to.set(new Float32Array(from.buffer, from.byteOffset, to.length));
};

function onDisk<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw fileError(error, { action: 'read', path });
  }
}

function unavailable(path: string, why: string): PilotfishError {
  return new PilotfishError(
    'embedding-unavailable',
    `The token embeddings of ${path} cannot be used: ${why}.`,
    { remedy: 'Use a router that does not look at token embeddings.', fields: { path } },
  );
}
