import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IncrementalDetokenizer } from './incremental-detokenizer.ts';

const decodeWhole = (bytes: Uint8Array): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** Valid text with characters of every length, and bytes that cut characters short. */
const anyBytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme' }).map((text) => new TextEncoder().encode(text)),
      fc
        .constantFrom('é', '€', '😀', '\u{feff}', '\u{10ffff}', '\u0000')
        .map((text) => new TextEncoder().encode(text)),
      fc.uint8Array({ maxLength: 5 }),
      // Leading and continuation bytes, in every wrong order.
      fc
        .array(
          fc.constantFrom(0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0xf0, 0x9f, 0xf4, 0xf5, 0xff),
        )
        .map((bytes) => Uint8Array.from(bytes)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

const anyCuts = fc.array(fc.nat({ max: 60 }), { maxLength: 20 });

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const borders = [0, ...[...cuts].sort((a, b) => a - b), bytes.length];
  return borders.slice(1).map((end, index) => bytes.slice(borders[index] ?? 0, end));
}

function stream(parts: readonly Uint8Array[]): string {
  const detokenizer = new IncrementalDetokenizer();
  return parts.map((part) => detokenizer.push(part)).join('') + detokenizer.flush();
}

describe('IncrementalDetokenizer', () => {
  it('gives the same text however the bytes are split into tokens', () => {
    fc.assert(
      fc.property(anyBytes, anyCuts, (bytes, cuts) => {
        expect(stream(split(bytes, cuts))).toBe(decodeWhole(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  it('gives the same text byte by byte', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(stream([...bytes].map((byte) => Uint8Array.of(byte)))).toBe(decodeWhole(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('never releases part of a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), anyCuts, (text, cuts) => {
        const detokenizer = new IncrementalDetokenizer();
        let [released, fed] = ['', 0];
        for (const part of split(new TextEncoder().encode(text), cuts)) {
          released += detokenizer.push(part);
          fed += part.length;
          expect(text.startsWith(released)).toBe(true);
          const missing = fed - new TextEncoder().encode(released).length;
          expect(missing).toBeLessThan(4);
          expect(detokenizer.isHolding).toBe(missing > 0);
        }
        expect(released + detokenizer.flush()).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('holds a character until its last byte', () => {
    const detokenizer = new IncrementalDetokenizer();
    const [a, b, c, d] = new TextEncoder().encode('😀') as Uint8Array & number[];
    for (const byte of [a, b, c]) {
      expect(detokenizer.push(Uint8Array.of(byte ?? 0))).toBe('');
      expect(detokenizer.isHolding).toBe(true);
    }
    expect(detokenizer.push(Uint8Array.of(d ?? 0))).toBe('😀');
    expect(detokenizer.isHolding).toBe(false);
  });

  it('does not hold back bytes that can never become a character', () => {
    for (const byte of [0x80, 0xbf, 0xc0, 0xc1, 0xf8, 0xff]) {
      const detokenizer = new IncrementalDetokenizer();
      expect(detokenizer.push(Uint8Array.of(byte))).toBe('\ufffd');
      expect(detokenizer.isHolding).toBe(false);
    }
  });

  it('releases an unfinished character as soon as another begins', () => {
    const detokenizer = new IncrementalDetokenizer();
    expect(detokenizer.push(Uint8Array.of(0xe2, 0x82))).toBe('');
    expect(detokenizer.push(Uint8Array.of(0x41))).toBe('\ufffdA');
  });

  it('flushes the held bytes as U+FFFD, once, and starts anew', () => {
    const detokenizer = new IncrementalDetokenizer();
    detokenizer.push(Uint8Array.of(0x61, 0xf0, 0x9f));
    expect(detokenizer.flush()).toBe('\ufffd');
    expect(detokenizer.isHolding).toBe(false);
    expect(detokenizer.flush()).toBe('');
    expect(detokenizer.push(Uint8Array.of(0x98, 0x80))).toBe('\ufffd\ufffd');
    expect(detokenizer.push(Uint8Array.of(0x62))).toBe('b');
  });

  it('keeps a byte order mark that the model wrote', () => {
    expect(stream([Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf, 0x61)])).toBe('\ufeffa');
  });

  it('accepts tokens without bytes', () => {
    const detokenizer = new IncrementalDetokenizer();
    expect(detokenizer.push(new Uint8Array(0))).toBe('');
    detokenizer.push(Uint8Array.of(0xc3));
    expect(detokenizer.push(new Uint8Array(0))).toBe('');
    expect(detokenizer.push(Uint8Array.of(0xa9))).toBe('é');
  });

  it('keeps no view of its input bytes', () => {
    const detokenizer = new IncrementalDetokenizer();
    const bytes = Uint8Array.of(0xc3);
    detokenizer.push(bytes);
    bytes[0] = 0x41;
    expect(detokenizer.push(Uint8Array.of(0xa9))).toBe('é');
  });
});
