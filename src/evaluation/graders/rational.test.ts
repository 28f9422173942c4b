import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimal, isSame, negative, over, plus, ratio, times } from './rational.ts';

describe('a number as it is written', () => {
  it.each([
    ['12.50', 25n, 2n],
    ['-.5', -1n, 2n],
    ['3.', 3n, 1n],
    ['1.2e3', 1200n, 1n],
    ['5e-1', 1n, 2n],
    ['-0', 0n, 1n],
    ['0.1', 1n, 10n],
  ])('%s', (text, numerator, denominator) => {
    expect(decimal(text)).toEqual({ numerator, denominator });
  });

  it.each(['', '.', '-', 'e5', '1e', '1,000', '1e401', '9'.repeat(1001), '0x10', '1 2'])(
    'is not %j',
    (text) => {
      expect(decimal(text)).toBeNull();
    },
  );
});

describe('arithmetic', () => {
  it('keeps lowest terms and a positive denominator', () => {
    expect(ratio(4n, -6n)).toEqual({ numerator: -2n, denominator: 3n });
    expect(ratio(-4n, -6n)).toEqual({ numerator: 2n, denominator: 3n });
    expect(ratio(0n, -6n)).toEqual({ numerator: 0n, denominator: 1n });
    expect(ratio(1n, 0n)).toBeNull();
  });

  it('is exact', () => {
    const rational = fc
      .tuple(fc.bigInt({ min: -99n, max: 99n }), fc.bigInt({ min: 1n, max: 99n }))
      .map(([a, b]) => ratio(a, b))
      .filter((value) => value !== null);
    fc.assert(
      fc.property(rational, rational, (a, b) => {
        const sum = plus(a, b);
        const back = sum === null ? null : plus(sum, negative(b));
        expect(back !== null && isSame(back, a)).toBe(true);
        const share = over(a, b);
        expect(share === null).toBe(b.numerator === 0n);
        const whole = share === null ? a : times(share, b);
        expect(whole !== null && isSame(whole, a)).toBe(true);
      }),
    );
  });
});
