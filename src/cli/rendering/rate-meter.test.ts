import { describe, expect, it } from 'vitest';
import type { Progress } from '../../core/progress.ts';
import { RateMeter } from './rate-meter.ts';

type Samples = readonly (readonly [done: number, atMs: number])[];

/** @param waitedMs since the last sample */
function rateOf(samples: Samples, unit: Progress['unit'] = 'bytes', waitedMs = 0): number | null {
  const meter = new RateMeter();
  for (const [done, atMs] of samples) meter.add(done, atMs, unit);
  return meter.perSecond((samples.at(-1)?.[1] ?? 0) + waitedMs);
}

describe('RateMeter', () => {
  it('gives no rate before it has enough samples', () => {
    expect(new RateMeter().perSecond(0)).toBe(null);
    expect(rateOf([[5, 0]])).toBe(null);
    const early = [
      [0, 0],
      [900, 199],
    ] as const;
    expect(rateOf(early)).toBe(null);
  });

  it('does not count the units that were done at the start', () => {
    const resumed = [
      [1000, 0],
      [1100, 500],
    ] as const;
    expect(rateOf(resumed)).toBe(200);
  });

  it('is steady under waves of steps', () => {
    // Sixteen at a time, every half minute, with the last of each wave some time after the others.
    const waves = Array.from({ length: 40 }, (_, wave) => [
      [wave * 16, wave * 30_000] as const,
      [wave * 16 + 15, wave * 30_000 + 20_000] as const,
    ]).flat();
    const sure = waves
      .slice(12)
      .map((_, index) => rateOf(waves.slice(0, index + 12), 'steps') ?? 0);
    expect(Math.min(...sure)).toBeGreaterThan(0.45);
    expect(Math.max(...sure)).toBeLessThan(0.65);
  });

  it('does not count an initial burst of remembered results', () => {
    // 305 answers in six milliseconds; then one in twelve seconds.
    const runUp = Array.from({ length: 306 }, (_, done) => [done, Math.floor(done / 50)] as const);
    const slow = Array.from({ length: 9 }, (_, i) => [306 + i, 12_000 * (i + 1)] as const);
    for (const unit of ['steps', 'bytes'] as const) {
      for (const count of [1, 2, 3, 9]) {
        const rate = rateOf([...runUp, ...slow.slice(0, count)], unit);
        expect(rate).toBeCloseTo(1 / 12, 3);
      }
    }
  });

  it('shows a stall of bytes, but waits for steps', () => {
    const even = Array.from({ length: 61 }, (_, i) => [i * 10, i * 100] as const);
    expect(rateOf(even)).toBeCloseTo(100, 6);
    expect(rateOf(even, 'bytes', 2500)).toBeCloseTo(50, 6);
    for (const waitedMs of [5000, 60_000]) expect(rateOf(even, 'bytes', waitedMs)).toBe(0);
    expect(rateOf(even, 'steps', 60_000)).toBe(rateOf(even, 'steps'));
  });

  it('forgets samples older than its window', () => {
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
