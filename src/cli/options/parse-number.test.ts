import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../../core/errors.ts';
import { integerFrom, type NumberRange, parseNumber } from './parse-number.ts';

const ANY: NumberRange = { holds: () => true, says: 'a number' };

describe('parseNumber', () => {
  it.each(['12abc', '', ' ', 'NaN', 'Infinity', '0x10', '1_000', '1,5', '--1', '1e', '.', ' 1'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseNumber('--n', ANY, text)).toThrow(`--n is "${text}", not a number.`);
    },
  );

  it('names option, value and range in the fields', () => {
    const attempt = (): number => parseNumber('--top-k', integerFrom(0, 9), '10');
    expect(attempt).toThrow(PilotfishError);
    try {
      attempt();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'option-invalid',
        remedy: 'Give --top-k as an integer from 0 to 9.',
        fields: { option: '--top-k', value: '10', allowed: 'an integer from 0 to 9' },
      });
    }
  });

  it('refuses fractions and unsafe integers for an integer', () => {
    for (const text of ['1.5', '9007199254740993', '-1', '1e999']) {
      expect(() => parseNumber('--n', integerFrom(0), text)).toThrow('an integer from 0 up');
    }
  });

  it("reads every number in JavaScript's notation", () => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(numbers, (number) => {
        // String(-0) is "0".
        expect(parseNumber('--n', ANY, String(number))).toBe(number === 0 ? 0 : number);
      }),
    );
  });
});
