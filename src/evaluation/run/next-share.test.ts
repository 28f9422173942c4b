import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextShare } from './next-share.ts';

const ENDS = [
  { share: 0, accuracy: 0.4 },
  { share: 1, accuracy: 0.8 },
];

describe('the next share', () => {
  it('lies where least is known: where the curve rises or falls, or points are far apart', () => {
    const points = [
      { share: 0.1, accuracy: 0.7 },
      { share: 0.2, accuracy: 0.72 },
    ];
    // The rectangles are 0.1 × 0.3 before it and 0.8 × 0.08 after it.
    expect(nextShare([...ENDS, ...points])).toBe(0.6);
    expect(nextShare(ENDS)).toBe(0.5);
    expect(nextShare([...ENDS, { share: 0.5, accuracy: 0.75 }])).toBe(0.25);
    expect(nextShare([...ENDS, { share: 0.5, accuracy: 0.1 }])).toBe(0.75);
  });

  it('lies in the widest of equal stretches', () => {
    const flat = [0, 0.2, 0.5, 1].map((share) => ({ share, accuracy: 0.5 }));
    expect(nextShare(flat)).toBe(0.75);
  });

  it('is none where points are close already', () => {
    expect(nextShare([])).toBeNull();
    expect(nextShare(ENDS.slice(1))).toBeNull();
    expect(nextShare([0.5, 0.509].map((share) => ({ share, accuracy: share })))).toBeNull();
  });

  it('is a new one each time, until there is none', () => {
    const accuracies = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), {
      minLength: 2,
      maxLength: 5,
    });
    fc.assert(
      fc.property(accuracies, (all) => {
        const points = [...ENDS];
        for (;;) {
          const share = nextShare(points);
          if (share === null) break;
          const distance = Math.min(...points.map((point) => Math.abs(point.share - share)));
          expect(distance).toBeGreaterThanOrEqual(0.005 - 1e-9);
          points.push({ share, accuracy: all[points.length % all.length] ?? 0 });
        }
        expect(points.length).toBeGreaterThan(64);
      }),
      { numRuns: 30 },
    );
  });
});
