import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { halfValues } from '../../core/half.ts';
import { InvariantError, required } from '../../core/invariant.ts';
import { tokenId } from '../../core/token-id.ts';
import { writeRandomModel } from '../../testing/random-model.ts';
import { EmbeddingTable } from './embedding-table.ts';
import { loadLibrary } from './library.ts';
import { type EmbeddingTensor, readModelFile } from './model-file.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-embeddings-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** A type as GGUF describes it, with a plain decoder. */
interface Format {
  readonly type: string;
  readonly blockSize: number;
  readonly blockBytes: number;
  decode(block: DataView, element: number): number;
}

const half = (view: DataView, at: number): number =>
  required(halfValues()[view.getUint16(at, true)], 'any 16 bits are a half');
const nibble = (view: DataView, at: number, element: number): number =>
  (view.getUint8(at + (element % 16)) >> (element < 16 ? 0 : 4)) & 15;
const bit = (view: DataView, at: number, element: number): number =>
  (view.getUint32(at, true) >>> element) & 1;

const FORMATS: readonly Format[] = [
  {
    ...{ type: 'f32', blockSize: 1, blockBytes: 4 },
    decode: (block) => block.getFloat32(0, true),
  },
  { ...{ type: 'f16', blockSize: 1, blockBytes: 2 }, decode: (block) => half(block, 0) },
  {
    ...{ type: 'bf16', blockSize: 1, blockBytes: 2 },
    decode(block) {
      const bits = new DataView(new ArrayBuffer(4));
      bits.setUint16(0, block.getUint16(0, true));
      return bits.getFloat32(0);
    },
  },
  {
    ...{ type: 'q8_0', blockSize: 32, blockBytes: 34 },
    decode: (block, element) => half(block, 0) * block.getInt8(2 + element),
  },
  {
    ...{ type: 'q4_0', blockSize: 32, blockBytes: 18 },
    decode: (block, element) => half(block, 0) * (nibble(block, 2, element) - 8),
  },
  {
    ...{ type: 'q4_1', blockSize: 32, blockBytes: 20 },
    decode: (block, element) => half(block, 0) * nibble(block, 4, element) + half(block, 2),
  },
  {
    ...{ type: 'q5_0', blockSize: 32, blockBytes: 22 },
    decode: (block, element) =>
      half(block, 0) * (nibble(block, 6, element) + 16 * bit(block, 2, element) - 16),
  },
];

function tableOf(
  path: string,
  given: Omit<EmbeddingTensor, 'path'> | null,
  hiddenSize = 0,
): EmbeddingTable {
  const tensor = given && { ...given, path };
  const { abi } = loadLibrary();
  const size = hiddenSize === 0 ? (tensor?.width ?? 0) : hiddenSize;
  return new EmbeddingTable({ abi, file: { path, tokenEmbeddings: tensor }, hiddenSize: size });
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('the embedding of a token', () => {
  it.each(FORMATS)('of type $type equals its row, decoded block by block', async (format) => {
    const { type, blockSize, blockBytes, decode } = format;
    const path = join(folder, `${type}.bin`);
    const anyTable = fc.record({
      rowCount: fc.integer({ min: 1, max: 5 }),
      blocksInRow: fc.integer({ min: 1, max: 4 }),
      gap: fc.nat(50),
      seed: fc.infiniteStream(fc.nat(255)),
    });
    await fc.assert(
      fc.asyncProperty(anyTable, async ({ rowCount, blocksInRow, gap, seed }) => {
        const byteCount = rowCount * blocksInRow * blockBytes;
        const data = Uint8Array.from({ length: byteCount }, () => seed.next().value ?? 0);
        await writeFile(
          path,
          Buffer.concat([Buffer.alloc(gap, 0xaa), data, Buffer.alloc(7, 0xaa)]),
        );
        const width = blocksInRow * blockSize;
        const table = tableOf(path, { type, offset: gap, byteCount, width, rowCount });
        for (let id = rowCount - 1; id >= 0; id -= 1) {
          const expected = Float32Array.from({ length: width }, (_, element) => {
            const block = id * blocksInRow + Math.floor(element / blockSize);
            const view = new DataView(data.buffer, block * blockBytes, blockBytes);
            return decode(view, element % blockSize);
          });
          // Products of a half and a small integer are exact, so every bit must match.
          expect(table.row(tokenId(id))).toEqual(expected);
        }
        expect(() => table.row(tokenId(rowCount))).toThrow(InvariantError);
        table.close();
      }),
      { numRuns: 20 },
    );
  });

  it('is read from the place that the header of the file gives', async () => {
    const path = join(folder, 'random.gguf');
    await writeRandomModel(path, { seed: 4, hiddenSize: 32 });
    const { tokenEmbeddings, vocabularySize } = await readModelFile(path);
    expect(tokenEmbeddings).toMatchObject({ type: 'f32', width: 32, rowCount: vocabularySize });
    const table = tableOf(path, tokenEmbeddings);
    // The writer draws standard normal numbers here, and smaller ones for other tensors.
    const rows = Array.from({ length: vocabularySize }, (_, id) => table.row(tokenId(id)));
    const squares = rows.flatMap((row) => [...row].map((value) => value ** 2));
    const mean = squares.reduce((sum, value) => sum + value, 0) / squares.length;
    expect(mean).toBeGreaterThan(0.9);
    expect(mean).toBeLessThan(1.1);
    table.close();
  });
});

describe('embeddings that cannot be read', () => {
  const here = (): string => join(folder, 'some.bin');
  const F32 = { type: 'f32', offset: 0, byteCount: 64, width: 8, rowCount: 2 };

  it.each([
    ['are missing', null, 8, 'the file has none'],
    ['have another width', F32, 16, 'they have 8 numbers, and hidden states 16'],
    ['have a type without numbers', { ...F32, type: 'i32' }, 8, 'their type is i32'],
    ['have no known type', { ...F32, type: 'q9_9' }, 8, 'their type is q9_9'],
  ])('because they %s are refused', async (_, tensor, hiddenSize, why) => {
    await writeFile(here(), new Uint8Array(64));
    const table = tableOf(here(), tensor, hiddenSize);
    expect(thrownBy(() => table.row(tokenId(0)))).toMatchObject({
      code: 'embedding-unavailable',
      message: `The token embeddings of ${here()} cannot be used: ${why}.`,
    });
    table.close();
  });

  it('report a file that is gone or was cut, and are not read before the first call', async () => {
    const gone = tableOf(join(folder, 'gone.gguf'), F32);
    expect(thrownBy(() => gone.row(tokenId(0)))).toMatchObject({
      code: 'file-system-failed',
      fields: { errno: 'ENOENT' },
    });
    gone.close();
    await writeFile(here(), new Uint8Array(64));
    const cut = tableOf(here(), F32);
    expect(cut.row(tokenId(1)).length).toBe(8);
    await truncate(here(), 63);
    expect(cut.row(tokenId(0)).length).toBe(8);
    expect(thrownBy(() => cut.row(tokenId(1)))).toMatchObject({ code: 'embedding-unavailable' });
    cut.close();
  });

  it('belong to a closed model', async () => {
    await writeFile(here(), new Uint8Array(64));
    const table = tableOf(here(), F32);
    table.row(tokenId(0));
    table.close();
    table.close();
    expect(thrownBy(() => table.row(tokenId(0)))).toMatchObject({ code: 'disposed' });
  });
});
