/**
 * Writes GGUF files (version 3): header, metadata, tensor table, aligned tensor data. It supports only
 * the needs of test models: strings, numbers, lists of them, and 32-bit float tensors.
 */
import { writeFile } from 'node:fs/promises';

export type GgufValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'uint16' | 'uint32' | 'int32'; readonly value: number }
  | { readonly type: 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'int32s' | 'float32s'; readonly value: readonly number[] };

export interface GgufTensor {
  readonly name: string;
  /** Fastest dimension first, as GGUF stores them: a matrix of [out, in] weights is [in, out]. */
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

const ALIGNMENT = 32;
const VERSION = 3;
const TYPE = { uint16: 2, uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 } as const;
const TENSOR_TYPE_F32 = 0;

export async function writeGguf(
  path: string,
  metadata: Readonly<Record<string, GgufValue>>,
  tensors: readonly GgufTensor[],
): Promise<void> {
  const entries = Object.entries(metadata);
  const header = [
    Buffer.from('GGUF', 'latin1'),
    uint32(VERSION),
    uint64(tensors.length),
    uint64(entries.length),
    ...entries.flatMap(([key, value]) => [string(key), ...encode(value)]),
    ...tensorTable(tensors),
  ];
  const head = Buffer.concat(header);
  await writeFile(path, Buffer.concat([head, padding(head.length), ...tensorData(tensors)]));
}

function tensorTable(tensors: readonly GgufTensor[]): Buffer[] {
  let offset = 0;
  return tensors.flatMap(({ name, shape, data }) => {
    const entry = [
      string(name),
      uint32(shape.length),
      ...shape.map(uint64),
      uint32(TENSOR_TYPE_F32),
      uint64(offset),
    ];
    offset += data.byteLength + padding(data.byteLength).length;
    return entry;
  });
}

function tensorData(tensors: readonly GgufTensor[]): Buffer[] {
  return tensors.flatMap(({ data }) => [
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    padding(data.byteLength),
  ]);
}

function encode(value: GgufValue): Buffer[] {
  switch (value.type) {
    case 'string':
      return [uint32(TYPE.string), string(value.value)];
    case 'uint16':
      return [uint32(TYPE.uint16), uint16(value.value)];
    case 'uint32':
      return [uint32(TYPE.uint32), uint32(value.value)];
    case 'int32':
      return [uint32(TYPE.int32), int32(value.value)];
    case 'float32':
      return [uint32(TYPE.float32), float32(value.value)];
    case 'bool':
      return [uint32(TYPE.bool), Buffer.from([value.value ? 1 : 0])];
    case 'strings':
      return [...arrayHead(TYPE.string, value.value.length), ...value.value.map(string)];
    case 'int32s':
      return [...arrayHead(TYPE.int32, value.value.length), ...value.value.map(int32)];
    case 'float32s':
      return [...arrayHead(TYPE.float32, value.value.length), ...value.value.map(float32)];
  }
}

function arrayHead(elementType: number, length: number): Buffer[] {
  return [uint32(TYPE.array), uint32(elementType), uint64(length)];
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function padding(length: number): Buffer {
  return Buffer.alloc((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
}
