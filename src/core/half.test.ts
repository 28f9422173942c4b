import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalf, halfBits, roundToHalf, toHalf } from './half.ts';

const EVERY = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
const NUMBERS = fromHalf(EVERY);
/** All finite halves that are not negative, in order. */
const FINITE = NUMBERS.slice(0, 0x7c00);

describe('half precision', () => {
  it('keeps every half through a round trip', () => {
    const back = toHalf(NUMBERS);
    const changed = EVERY.filter((bits) => !Number.isNaN(NUMBERS[bits]) && back[bits] !== bits);
    expect([...changed]).toEqual([]);
  });

  it('grows with its bits, from 2^-24 to 65,504', () => {
    expect(FINITE[0]).toBe(0);
    expect(FINITE[1]).toBe(2 ** -24);
    expect(FINITE.at(-1)).toBe(65504);
    expect(FINITE.every((value, bits) => bits === 0 || value > (FINITE[bits - 1] ?? 0))).toBe(true);
  });

  it('rounds to the nearest, ties to even', () => {
    const anywhere = fc.nat(FINITE.length - 2).chain((bits) =>
      fc.double({ min: 0, max: 1, noNaN: true }).map((part) => {
        const [below, above] = [FINITE[bits] ?? 0, FINITE[bits + 1] ?? 0];
        return { bits, below, above, value: Math.fround(below + part * (above - below)) };
      }),
    );
    fc.assert(
      fc.property(anywhere, fc.constantFrom(1, -1), ({ bits, below, above, value }, sign) => {
        const [down, up] = [value - below, above - value];
        const even = bits % 2 === 0 ? below : above;
        const nearest = down === up ? even : down < up ? below : above;
        expect(roundToHalf(sign * value)).toBe(sign * nearest);
      }),
      { numRuns: 2000 },
    );
    for (let bits = 0; bits < 0x7bff; bits += 7) {
      const middle = ((FINITE[bits] ?? 0) + (FINITE[bits + 1] ?? 0)) / 2;
      expect(halfBits(middle)).toBe(bits % 2 === 0 ? bits : bits + 1);
    }
  });

  it('turns larger numbers into infinity, and keeps NaN', () => {
    expect(roundToHalf(65519.99)).toBe(65504);
    expect(roundToHalf(65520)).toBe(Number.POSITIVE_INFINITY);
    expect(roundToHalf(-1e30)).toBe(Number.NEGATIVE_INFINITY);
    expect(roundToHalf(Number.NaN)).toBeNaN();
    expect(Object.is(roundToHalf(-0), -0)).toBe(true);
  });
});
