/**
 * Files of tensors in the safetensors format: eight bytes with the length of a JSON header, the
 * header, and the numbers, little-endian. The whole file is checked before anything is allocated:
 * tensors must cover the data exactly, in order, without gaps or overlaps. Source:
 * https://huggingface.co/docs/safetensors, "Format".
 */
import { PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';

export type Tensor =
  | { readonly dtype: 'F32'; readonly shape: readonly number[]; readonly values: Float32Array }
  /** Halves by their bits (core/half.ts). */
  | { readonly dtype: 'F16'; readonly shape: readonly number[]; readonly values: Uint16Array }
  | { readonly dtype: 'I32'; readonly shape: readonly number[]; readonly values: Int32Array };

export type Tensors = ReadonlyMap<string, Tensor>;
export type TensorMetadata = Readonly<Record<string, string>>;

export interface TensorFile {
  readonly tensors: Tensors;
  readonly metadata: TensorMetadata;
}

/** The size of the length field in bytes. The length of the header is a multiple of it. */
const ALIGNMENT = 8;
/** The headers of this program take a few kilobytes. */
const HEADER_BYTES_MAX = 2 ** 20;
const DIMENSION_COUNT_MAX = 8;
const METADATA_NAME = '__metadata__';

const BYTES: Readonly<Record<Tensor['dtype'], number>> = { F32: 4, I32: 4, F16: 2 };

/** @returns the file; wider numbers come first, so that each tensor is aligned */
export function encodeTensors({ tensors, metadata }: TensorFile): Uint8Array {
  const sorted = [...tensors].sort(
    ([nameA, a], [nameB, b]) => BYTES[b.dtype] - BYTES[a.dtype] || (nameA < nameB ? -1 : 1),
  );
  const header: [name: string, entry: unknown][] = [[METADATA_NAME, metadata]];
  let end = 0;
  for (const [name, { dtype, shape, values }] of sorted) {
    invariant(name !== METADATA_NAME, 'a tensor has a name of its own');
    invariant(countOf(shape) === values.length, `the shape of ${name} is that of its numbers`);
    header.push([name, { dtype, shape, data_offsets: [end, end + values.byteLength] }]);
    end += values.byteLength;
  }
  // Built from entries, because assigning would lose a tensor named "__proto__".
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const headerBytes = Math.ceil(json.length / ALIGNMENT) * ALIGNMENT;
  const file = Buffer.alloc(ALIGNMENT + headerBytes + end, ' ');
  file.writeBigUInt64LE(BigInt(headerBytes));
  file.set(json, ALIGNMENT);
  let at = ALIGNMENT + headerBytes;
  for (const [, { values }] of sorted) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return new Uint8Array(file.buffer, file.byteOffset, file.length);
}

/** @throws PilotfishError `head-invalid`, naming the fault */
export function decodeTensors(bytes: Uint8Array): TensorFile {
  const headerEnd = headerEndOf(bytes);
  const header = readHeader(bytes.subarray(ALIGNMENT, headerEnd));
  const { [METADATA_NAME]: metadata = {}, ...entries } = header;
  const data = bytes.subarray(headerEnd);
  const places = Object.entries(entries)
    .map(([name, entry]) => readPlace(name, entry))
    .sort((a, b) => a.from - b.from || a.until - b.until);
  checkCover(places, data.length);
  const tensors = new Map(places.map((place) => [place.name, readTensor(data, place)] as const));
  return { tensors, metadata: readMetadata(metadata) };
}

/** The location of a tensor, in bytes of the data. */
interface Place {
  readonly name: string;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
  readonly from: number;
  readonly until: number;
}

function headerEndOf(bytes: Uint8Array): number {
  if (bytes.length < ALIGNMENT) throw invalid(`it has ${bytes.length} bytes, not even a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > HEADER_BYTES_MAX) throw invalid(`its header would have ${length} bytes`);
  const end = ALIGNMENT + Number(length);
  if (end > bytes.length) throw invalid(`it ends within its header, at byte ${bytes.length}`);
  return end;
}

function readHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid('its header is not JSON', error);
  }
  if (!isRecord(header)) throw invalid('its header is not an object');
  return header;
}

function readMetadata(metadata: unknown): TensorMetadata {
  if (!isRecord(metadata)) throw invalid('its metadata is not an object');
  const wrong = Object.entries(metadata).find(([, value]) => typeof value !== 'string');
  if (wrong !== undefined) throw invalid(`its metadata "${wrong[0]}" is not a text`);
  return metadata as TensorMetadata;
}

function readPlace(name: string, entry: unknown): Place {
  const seen = `tensor "${name}"`;
  if (!isRecord(entry)) throw invalid(`${seen} is not an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isKnown(dtype)) throw invalid(`${seen} has the type ${JSON.stringify(dtype)}`);
  if (!isSizes(shape) || shape.length > DIMENSION_COUNT_MAX) {
    throw invalid(`${seen} has the shape ${JSON.stringify(shape)}`);
  }
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw invalid(`${seen} has the offsets ${JSON.stringify(offsets)}`);
  }
  const [from = 0, until = 0] = offsets;
  // Counts beyond 2^53 are not exact, but no file is that long either.
  const size = countOf(shape) * BYTES[dtype];
  if (until - from !== size) {
    throw invalid(`${seen} lies from byte ${from} to ${until}, but its shape takes ${size} bytes`);
  }
  return { name, dtype, shape, from, until };
}

/** Checks that tensors follow each other without gaps or overlaps, from the first byte to the last. */
function checkCover(places: readonly Place[], byteCount: number): void {
  let end = 0;
  for (const { name, from, until } of places) {
    if (from !== end) throw invalid(`tensor "${name}" begins at byte ${from} instead of ${end}`);
    end = until;
  }
  if (end !== byteCount) throw invalid(`its tensors take ${end} bytes, but it has ${byteCount}`);
}

function readTensor(data: Uint8Array, { dtype, shape, from, until }: Place): Tensor {
  // A copy begins at an address that suits every type. (A slice of a Buffer would not copy.)
  const { buffer } = new Uint8Array(data.subarray(from, until));
  switch (dtype) {
    case 'F32':
      return { dtype, shape, values: new Float32Array(buffer) };
    case 'F16':
      return { dtype, shape, values: new Uint16Array(buffer) };
    case 'I32':
      return { dtype, shape, values: new Int32Array(buffer) };
  }
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isKnown(dtype: unknown): dtype is Tensor['dtype'] {
  return typeof dtype === 'string' && Object.hasOwn(BYTES, dtype);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function invalid(what: string, cause?: unknown): PilotfishError {
  return new PilotfishError('head-invalid', `A file of tensors is not valid: ${what}.`, {
    remedy: 'Get or train it again.',
    cause,
  });
}
