import { describe, expect, it } from 'vitest';
import { FOUR_DOUBLINGS, shareInterval } from './share-interval.ts';

describe('an interval of shares', () => {
  it('has a lower and a higher share', () => {
    expect(shareInterval([0.025, 0.4])).toEqual(FOUR_DOUBLINGS);
  });

  it.each([[[]], [[0.1]], [[0, 0.4]], [[0.4, 0.1]], [[0.4, 0.4]], [[0.1, 1]], [[0.1, 0.2, 0.3]]])(
    'is not %j',
    (shares) => {
      expect(() => shareInterval(shares)).toThrow(
        expect.objectContaining({
          code: 'option-invalid',
          message: expect.stringContaining(`The interval of shares is ${shares.join(',')};`),
        }),
      );
    },
  );
});
