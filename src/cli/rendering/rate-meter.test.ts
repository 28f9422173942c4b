import { describe, expect, it } from 'vitest';
import { RateMeter } from './rate-meter.ts';

function rateOf(samples: readonly (readonly [done: number, atMs: number])[]): number | null {
  const meter = new RateMeter();
  for (const [done, atMs] of samples) meter.add(done, atMs);
  return meter.perSecond();
}

describe('RateMeter', () => {
  it('says nothing before it has seen enough', () => {
    expect(new RateMeter().perSecond()).toBe(null);
    expect(rateOf([[5, 0]])).toBe(null);
    const early = [
      [0, 0],
      [900, 199],
    ] as const;
    expect(rateOf(early)).toBe(null);
  });

  it('does not count what was there at the start', () => {
    const resumed = [
      [1000, 0],
      [1100, 500],
    ] as const;
    expect(rateOf(resumed)).toBe(200);
  });

  it('forgets what is older than its window', () => {
    const samples = Array.from(
      { length: 101 },
      (_, i) => [i < 50 ? i * 100 : 5000, i * 100] as const,
    );
    expect(rateOf(samples)).toBe(0);
  });

  it('starts again when the count falls back', () => {
    const restarted = [
      [0, 0],
      [1000, 1000],
      [0, 2000],
      [50, 3000],
    ] as const;
    expect(rateOf(restarted)).toBe(50);
  });
});
