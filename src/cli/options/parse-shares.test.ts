import { describe, expect, it } from 'vitest';
import { shareParser, sharesParser } from './parse-shares.ts';

const shares = sharesParser('--shares');

describe('shares', () => {
  it('are numbers or percent, separated by commas', () => {
    expect(shares('5%,10%,0.3')).toEqual([0.05, 0.1, 0.3]);
    expect(shares(' .5 , 1., 0,100% ')).toEqual([0.5, 1, 0, 1]);
    expect(shareParser('--screen')('25%')).toBe(0.25);
  });

  it.each(['', '5%,', '1.1', '101%', '-1', '1e-2', 'half', '5 %', '5%%', '0.5;0.6', 'NaN'])(
    'are not "%s"',
    (text) => {
      expect(() => shares(text)).toThrow(
        expect.objectContaining({
          code: 'option-invalid',
          message: expect.stringMatching(/^--shares is ".*", not a share from 0 to 1\.$/),
        }),
      );
    },
  );

  it('are one share where one is required', () => {
    expect(() => shareParser('--screen')('5%,10%')).toThrow('--screen is "5%,10%", not a share');
  });

  it('have a limited number', () => {
    expect(shares(Array(64).fill('5%').join())).toHaveLength(64);
    expect(() => shares(Array(65).fill('5%').join())).toThrow('--shares has 65 shares');
  });
});
