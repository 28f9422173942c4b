import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TokenId, tokenId } from '../core/token-id.ts';
import { IncrementalDetokenizer } from '../vocabulary/incremental-detokenizer.ts';
import { BoundaryWatch, type WriteBoundary } from './write-boundary.ts';

const END = tokenId(0);
const encoder = new TextEncoder();

/** Token i has the i-th text; token 0 ends the generation. */
function watchOf(boundary: WriteBoundary, texts: readonly Uint8Array[]): (id: TokenId) => boolean {
  const watch = new BoundaryWatch(boundary, {
    isEndOfGeneration: (id) => id === END,
    tokenBytes: (id) => texts[id] ?? new Uint8Array(0),
  });
  return (id) => {
    watch.push(id);
    return watch.isReached;
  };
}

describe('where writing ends', () => {
  it('is after a number of tokens, or an end-of-generation token', () => {
    const push = watchOf({ tokenCountMax: 2 }, []);
    expect([push(tokenId(3)), push(tokenId(3))]).toEqual([false, true]);
    expect(watchOf({ tokenCountMax: 9 }, [])(END)).toBe(true);
  });

  it('takes broken characters for text when the engine does', () => {
    // A lead byte and a byte that cannot follow it: the engine waits for two more bytes.
    const texts = [
      new Uint8Array(0),
      ...[0xf0, 0x80, 0x80, 0x41].map((byte) => Uint8Array.of(byte)),
    ];
    const push = watchOf({ tokenCountMax: 9, texts: ['\uFFFD'] }, texts);
    const reached = [1, 2, 3, 4].map((id) => push(tokenId(id)));
    const detokenizer = new IncrementalDetokenizer();
    const shown = texts.slice(1).map((bytes) => detokenizer.push(bytes).includes('\uFFFD'));
    expect(reached.indexOf(true)).toBe(shown.indexOf(true));
    expect(reached).toContain(true);
  });

  it('is after the first token whose running text holds a text, however tokens cut it', () => {
    const texts = fc.array(fc.constantFrom('\n\n', 'ab', 'é.', 'aba'), { maxLength: 3 });
    const written = fc.array(fc.constantFrom(...'ab\né.'), { minLength: 1, maxLength: 30 });
    const cuts = fc.array(fc.nat(3), { minLength: 40, maxLength: 40 });
    fc.assert(
      fc.property(texts, written, cuts, (wanted, characters, lengths) => {
        const bytes = encoder.encode(characters.join(''));
        const pieces: Uint8Array[] = [];
        for (let from = 0; from < bytes.length; ) {
          const length = 1 + (lengths[pieces.length] ?? 0);
          pieces.push(bytes.subarray(from, from + length));
          from += length;
        }
        const push = watchOf({ tokenCountMax: 1000, texts: wanted }, [
          new Uint8Array(0),
          ...pieces,
        ]);
        const reachedAt = pieces.findIndex((_, index) => push(tokenId(index + 1)));
        // The bytes of an unfinished character are no text yet.
        const running = (count: number): string =>
          new TextDecoder().decode(Buffer.concat(pieces.slice(0, count)), { stream: true });
        const expected = pieces.findIndex((_, index) =>
          wanted.some((text) => running(index + 1).includes(text)),
        );
        expect(reachedAt).toBe(expected);
      }),
    );
  });
});
