import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codePoints, complement, intersection, utf8Sequences } from './code-points.ts';

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
/** Code points at which encodings change their length, and any others. */
const anyCode = fc.oneof(
  fc.constantFrom(0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdfff, 0xe000, 0xffff, 0x10000),
  fc.nat({ max: 0x10ffff }),
);
const anySet = fc.array(
  fc.tuple(anyCode, anyCode).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
  { maxLength: 4 },
);
type Ranges = readonly { readonly first: number; readonly last: number }[];
const holds = (set: Ranges, code: number): boolean =>
  set.some(({ first, last }) => first <= code && code <= last);

describe('sets of characters', () => {
  it('are sorted, apart from each other and without surrogates', () => {
    fc.assert(
      fc.property(anySet, anyCode, (ranges, code) => {
        const set = codePoints(ranges);
        expect(holds(set, code)).toBe(holds(ranges, code) && !isSurrogate(code));
        for (const [index, { first, last }] of set.entries()) {
          expect(first).toBeLessThanOrEqual(last);
          expect(first).toBeGreaterThan((set[index - 1]?.last ?? -2) + 1);
        }
      }),
    );
  });

  it('have complements and intersections', () => {
    fc.assert(
      fc.property(anySet, anySet, anyCode, (some, others, code) => {
        const [a, b] = [codePoints(some), codePoints(others)];
        expect(holds(complement(a), code)).toBe(!holds(a, code) && !isSurrogate(code));
        expect(holds(intersection(a, b), code)).toBe(holds(a, code) && holds(b, code));
      }),
    );
  });

  it('are encoded by exactly one of the byte sequences of their characters', () => {
    fc.assert(
      fc.property(anySet, anyCode, (ranges, code) => {
        const set = codePoints(ranges);
        const bytes = [...Buffer.from(String.fromCodePoint(isSurrogate(code) ? 0x41 : code))];
        const fitting = utf8Sequences(set).filter(
          (sequence) =>
            sequence.length === bytes.length &&
            sequence.every(({ first, last }, at) => {
              const byte = bytes[at] ?? -1;
              return first <= byte && byte <= last;
            }),
        );
        expect(fitting.length).toBe(holds(set, isSurrogate(code) ? 0x41 : code) ? 1 : 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('encode nothing else, because the number of products equals the number of characters', () => {
    fc.assert(
      fc.property(anySet, (ranges) => {
        const set = codePoints(ranges);
        const size = set.reduce((sum, { first, last }) => sum + last - first + 1, 0);
        const products = utf8Sequences(set).map((sequence) =>
          sequence.reduce((product, { first, last }) => product * (last - first + 1), 1),
        );
        expect(products.reduce((sum, product) => sum + product, 0)).toBe(size);
      }),
    );
  });
});
