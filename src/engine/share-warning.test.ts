import { describe, expect, it } from 'vitest';
import { shareWarning } from './share-warning.ts';

const warning = (share: number, largeCount: number, tokenCount: number): string | null =>
  shareWarning(
    { share, unit: 'token', on: '16 questions' },
    { largeShare: largeCount / tokenCount, tokenCount, rejectedShare: null, stepCount: null },
  );

describe('the warning about a share', () => {
  it('says the share that was asked for, the share got, and where shares hold', () => {
    expect(warning(0.2, 46, 100)).toBe(
      'The large model wrote 46 % of the tokens, and 20 % was asked for: shares hold for prompts ' +
        'like those of the calibration (16 questions).',
    );
    expect(warning(0.2, 50, 1000)).toMatch(/wrote 5 % of the tokens/);
  });

  it('is about steps where they were asked for', () => {
    const asked = { share: 0.05, unit: 'step', on: '16 questions' } as const;
    const cost = { largeShare: 0.9, tokenCount: 500, stepCount: 30 };
    expect(shareWarning(asked, { ...cost, rejectedShare: 0.1 })).toBeNull();
    expect(shareWarning(asked, { ...cost, rejectedShare: 0.5 })).toMatch(
      /^The large model wrote 50 % of the steps, and 5 % was asked for: /,
    );
  });

  it.each([
    ['off by less than a third', 0.3, 390, 1000],
    ['exact', 0.2, 20, 100],
    ['off by three tokens', 0.05, 4, 20],
    ['off by chance: two standard deviations of 40 coins are 5 tokens', 0.2, 13, 40],
    ['no share', 0, 0, 50],
    ['all', 1, 50, 50],
  ])('is not given where the share is %s', (_, share, largeCount, tokenCount) => {
    expect(warning(share, largeCount, tokenCount)).toBeNull();
  });

  it.each([
    [0.3, 401, 1000],
    [0.3, 199, 1000],
    [0.05, 5, 20],
    [0.2, 14, 40],
  ])('is given at %d asked and %d of %d tokens got', (share, largeCount, tokenCount) => {
    expect(warning(share, largeCount, tokenCount)).not.toBeNull();
  });
});
