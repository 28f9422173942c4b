import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { decodeTensors, encodeTensors, type Tensor } from './safetensors.ts';

const shape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 });
const bits = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const tensor: fc.Arbitrary<Tensor> = fc
  .tuple(shape, fc.constantFrom('F32', 'F16', 'I32'), bits)
  .map(([sizes, dtype, seed]) => {
    const count = sizes.reduce((product, size) => product * size, 1);
    const numbers = Uint32Array.from({ length: count }, (_, at) => Math.imul(seed, at + 1));
    switch (dtype) {
      case 'F32':
        return { dtype, shape: sizes, values: Float32Array.from(numbers) };
      case 'F16':
        return { dtype, shape: sizes, values: Uint16Array.from(numbers) };
      default:
        return { dtype: 'I32', shape: sizes, values: Int32Array.from(numbers) };
    }
  });
const name = fc.string({ unit: 'grapheme' }).filter((text) => text !== '__metadata__');
const file = fc.record({
  tensors: fc.array(fc.tuple(name, tensor), { maxLength: 5 }).map((entries) => new Map(entries)),
  metadata: fc
    .array(fc.tuple(fc.string(), fc.string()), { maxLength: 3 })
    .map((entries): Record<string, string> => Object.fromEntries(entries)),
});

const ONE_NUMBER: Tensor = { dtype: 'F32', shape: [], values: new Float32Array(1) };

/** A file around any header and data. */
function fileOf(header: unknown, data = new Uint8Array(0)): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

/** Checks that any bytes give either a file or a refusal with the right code, and nothing else. */
function expectReadOrRefused(bytes: Uint8Array): void {
  try {
    for (const each of decodeTensors(bytes).tensors.values()) {
      expect(each.values.byteLength).toBeLessThanOrEqual(bytes.length);
    }
  } catch (error) {
    if (!(error instanceof PilotfishError)) throw error;
    expect(error.code).toBe('head-invalid');
  }
}

describe('files of tensors', () => {
  it('come back unchanged, from any address', () => {
    fc.assert(
      fc.property(file, fc.nat(7), (content, shift) => {
        const bytes = encodeTensors(content);
        const moved = new Uint8Array(bytes.length + shift).subarray(shift);
        moved.set(bytes);
        const back = decodeTensors(moved);
        expect(new Map(back.tensors)).toEqual(content.tensors);
        expect(back.metadata).toEqual(content.metadata);
        // As a file is read: a view into memory that has other users.
        expect(decodeTensors(Buffer.from(moved))).toEqual(back);
      }),
      { examples: [[{ tensors: new Map([['__proto__', ONE_NUMBER]]), metadata: {} }, 0]] },
    );
  });

  it('are laid out as the format says', () => {
    const bytes = encodeTensors({
      tensors: new Map<string, Tensor>([
        ['h', { dtype: 'F16', shape: [1], values: new Uint16Array([0x3c00]) }],
        ['w', { dtype: 'F32', shape: [1, 2], values: new Float32Array([1, -2]) }],
      ]),
      metadata: { format: 'x' },
    });
    const headerBytes = Number(Buffer.from(bytes).readBigUInt64LE());
    expect(headerBytes % 8).toBe(0);
    const text = Buffer.from(bytes.subarray(8, 8 + headerBytes)).toString();
    expect(text).toMatch(/^\{.*\} *$/);
    expect(JSON.parse(text)).toEqual({
      __metadata__: { format: 'x' },
      w: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
      h: { dtype: 'F16', shape: [1], data_offsets: [8, 10] },
    });
    expect([...bytes.subarray(8 + headerBytes)]).toEqual([0, 0, 128, 63, 0, 0, 0, 192, 0, 60]);
  });

  it('are read or refused, whatever happens to their bytes', () => {
    fc.assert(
      fc.property(
        file,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(),
        (content, changes, cut) => {
          const bytes = encodeTensors(content);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          expectReadOrRefused(bytes);
          expectReadOrRefused(bytes.subarray(0, cut % (bytes.length + 1)));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('are read or refused, whatever their header says', () => {
    const entry = fc.record(
      {
        dtype: fc.constantFrom<unknown>('F32', 'F64', 'toString', 3),
        shape: fc.oneof(fc.array(fc.nat(4)), fc.jsonValue()),
        data_offsets: fc.oneof(fc.tuple(fc.nat(16), fc.nat(16)), fc.jsonValue()),
      },
      { requiredKeys: [] },
    );
    const header = fc.oneof(fc.dictionary(fc.string(), entry), fc.jsonValue());
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 16 }), (content, data) => {
        expectReadOrRefused(fileOf(content, data));
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.uint8Array(), expectReadOrRefused));
  });

  const F32 = (from: number, until: number, sizes: number[] = [1]): object => ({
    dtype: 'F32',
    shape: sizes,
    data_offsets: [from, until],
  });
  const data = new Uint8Array(8);

  it.each<[string, Uint8Array]>([
    ['it has 3 bytes', new Uint8Array(3)],
    ['header would have 18446744073709551615 bytes', new Uint8Array(8).fill(255)],
    ['ends within its header', new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 123])],
    ['header is not JSON', fileOf('{')],
    ['header is not JSON', fileOf('['.repeat(100_000))],
    ['header is not an object', fileOf([])],
    ['metadata is not an object', fileOf({ __metadata__: 1 })],
    ['metadata "a" is not a text', fileOf({ __metadata__: { a: 1 } })],
    ['tensor "a" is not an object', fileOf({ a: 1 })],
    ['has the type "BF16"', fileOf({ a: { ...F32(0, 4), dtype: 'BF16' } })],
    ['has the type "toString"', fileOf({ a: { ...F32(0, 4), dtype: 'toString' } })],
    ['has the shape [-1]', fileOf({ a: F32(0, 4, [-1]) })],
    ['has the shape [0.5]', fileOf({ a: F32(0, 4, [0.5]) })],
    ['has the shape [1,1,1,1,1,1,1,1,1]', fileOf({ a: F32(0, 4, Array(9).fill(1)) })],
    ['has the offsets [0,4,4]', fileOf({ a: { ...F32(0, 4), data_offsets: [0, 4, 4] } })],
    ['its shape takes 4 bytes', fileOf({ a: F32(0, 8) }, data)],
    ['its shape takes 3e+30 bytes', fileOf({ a: F32(0, 8, [2.5e15, 3e14]) }, data)],
    ['begins at byte 4 instead of 0', fileOf({ a: F32(4, 8) }, data)],
    ['begins at byte 0 instead of 4', fileOf({ a: F32(0, 4), b: F32(0, 4) }, data)],
    ['take 4 bytes, but it has 8', fileOf({ a: F32(0, 4) }, data)],
    ['take 12 bytes, but it has 8', fileOf({ a: F32(0, 12, [3]) }, data)],
  ])('are refused where %s', (message, bytes) => {
    expect(() => decodeTensors(bytes)).toThrow(expect.objectContaining({ code: 'head-invalid' }));
    expect(() => decodeTensors(bytes)).toThrow(message);
  });
});
