import { expect, it } from 'vitest';
import { parseRate, parseRoundTrip } from './link-flags.ts';

it.each([
  ['1mbit', 1e6],
  ['500kbit', 5e5],
  ['1.5Mbit', 1.5e6],
  ['2gbit', 2e9],
  ['64000bit', 64_000],
])('reads the rate %s as %d bits per second', (text, rate) => {
  expect(parseRate('--rate', text)).toBeCloseTo(rate, 6);
});

it.each(['', '1', 'mbit', '1mb', '-1mbit', '0bit', '1e20gbit', '1 tbit', '0x1mbit', 'NaNbit'])(
  'refuses the rate "%s"',
  (text) => {
    expect(() => parseRate('--rate', text)).toThrow(
      expect.objectContaining({
        code: 'option-invalid',
        message: expect.stringMatching(/^--rate is "/),
      }),
    );
  },
);

it('reads a round trip with and without its unit', () => {
  expect(['20ms', '20', '0.5MS', '0'].map(parseRoundTrip)).toEqual([20, 20, 0.5, 0]);
  for (const text of ['', 'ms', '-1ms', '1s', '60001', '20msms', '5 ms']) {
    expect(() => parseRoundTrip(text)).toThrow('--round-trip is');
  }
});
