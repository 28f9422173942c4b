import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import {
  fadingGain,
  PAPER,
  paperByteCount,
  type RadioChannel,
  radioDirection,
  shannonRate,
} from './radio.ts';

const anyChannel: fc.Arbitrary<RadioChannel> = fc.record({
  bandwidthHz: fc.integer({ min: 1000, max: 100_000_000 }),
  snrDb: fc.double({ min: -20, max: 60, noNaN: true }),
  coherenceMs: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 200 })),
  seed: fc.nat(),
});
const anyStart = fc.double({ min: 0, max: 1e6, noNaN: true });

describe('the rate of Shannon', () => {
  it.each([
    [0, 1, 1e6],
    [10 * Math.log10(3), 1, 2e6],
    [10 * Math.log10(1023), 1, 10e6],
    [0, 3, 2e6],
    [20, 0, 0],
  ])('at %d dB and a gain of %d is %d bit/s for 1 MHz', (snrDb, gain, rate) => {
    expect(shannonRate({ bandwidthHz: 1e6, snrDb }, gain)).toBeCloseTo(rate, 3);
  });

  it('rises with the bandwidth, the ratio and the gain', () => {
    fc.assert(
      fc.property(anyChannel, fc.double({ min: 0.01, max: 10, noNaN: true }), (channel, gain) => {
        const rate = shannonRate(channel, gain);
        const { bandwidthHz, snrDb } = channel;
        expect(shannonRate({ snrDb, bandwidthHz: 2 * bandwidthHz }, gain)).toBeCloseTo(2 * rate, 3);
        expect(shannonRate({ bandwidthHz, snrDb: snrDb + 1 }, gain)).toBeGreaterThan(rate);
        expect(shannonRate(channel, gain * 1.1)).toBeGreaterThan(rate);
      }),
      { numRuns: runs(100, 1000) },
    );
  });
});

describe('Rayleigh fading', () => {
  const gains = Array.from({ length: 20_000 }, (_, block) => fadingGain(7, block));
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;

  it('has unit mean power and the exponential distribution', () => {
    // Five standard errors of 20,000 draws.
    expect(Math.abs(mean(gains) - 1)).toBeLessThan(5 / Math.sqrt(20_000));
    expect(Math.abs(mean(gains.map((gain) => gain ** 2)) - 2)).toBeLessThan(
      (5 * Math.sqrt(20)) / Math.sqrt(20_000),
    );
    for (const level of [0.1, 0.5, 1, 2, 4]) {
      const share = mean(gains.map((gain) => (gain > level ? 1 : 0)));
      expect(Math.abs(share - Math.exp(-level))).toBeLessThan(5 * Math.sqrt(0.25 / 20_000));
    }
  });

  it('is the same for a seed and block, and independent from block to block', () => {
    expect(fadingGain(7, 3)).toBe(gains[3]);
    expect(fadingGain(8, 3)).not.toBe(gains[3]);
    const products = gains.slice(1).map((gain, block) => (gain - 1) * ((gains[block] ?? 0) - 1));
    expect(Math.abs(mean(products))).toBeLessThan(5 / Math.sqrt(20_000));
  });

  it('has the mean rate of the integral over all gains', () => {
    const channel = { bandwidthHz: 1e6, snrDb: 10 };
    const step = 1e-3;
    let expected = 0;
    for (let gain = step / 2; gain < 40; gain += step) {
      expected += shannonRate(channel, gain) * Math.exp(-gain) * step;
    }
    const radio = radioDirection({ ...channel, coherenceMs: 10, seed: 3 });
    // A message of about 10,000 blocks.
    const byteCount = (expected * 100) / 8;
    const measured = (8 * byteCount) / (radio.sentAtMs(0, byteCount) / 1000);
    expect(expected).toBeLessThan(shannonRate(channel));
    expect(Math.abs(measured / expected - 1)).toBeLessThan(0.02);
  });
});

describe('a message on the radio', () => {
  it('takes bytes over rate without fading', () => {
    const radio = radioDirection({ bandwidthHz: 1e6, snrDb: 0, coherenceMs: null, seed: 1 });
    expect(radio.sentAtMs(5, 1250)).toBeCloseTo(15, 9);
  });

  it('takes the bits of every block that it spans', () => {
    const channel = { bandwidthHz: 1e6, snrDb: 5, coherenceMs: 10, seed: 11 };
    const rate = (block: number): number => shannonRate(channel, fadingGain(11, block)) / 1000;
    // 4 ms of block 2, blocks 3 and 4, and 7 ms of block 5.
    const bitCount = 4 * rate(2) + 10 * (rate(3) + rate(4)) + 7 * rate(5);
    expect(radioDirection(channel).sentAtMs(26, bitCount / 8)).toBeCloseTo(57, 9);
  });

  it('leaves later if it is longer or starts later, and two in a row as one', () => {
    const anyBytes = fc.integer({ min: 0, max: 2000 });
    const slow = anyChannel.filter(
      ({ bandwidthHz, snrDb }) => shannonRate({ bandwidthHz, snrDb }) > 1e5,
    );
    fc.assert(
      fc.property(slow, anyStart, anyBytes, anyBytes, (channel, startMs, first, second) => {
        const { sentAtMs } = radioDirection(channel);
        const middle = sentAtMs(startMs, first);
        const end = sentAtMs(middle, second);
        expect(middle).toBeGreaterThanOrEqual(startMs);
        expect(end).toBeGreaterThanOrEqual(middle);
        expect(Math.abs(sentAtMs(startMs, first + second) - end)).toBeLessThan(1e-6 * (1 + end));
        expect(sentAtMs(startMs + 1, first)).toBeGreaterThanOrEqual(middle);
      }),
      { numRuns: runs(100, 2000) },
    );
  });

  it('arrives sooner over a better channel', () => {
    fc.assert(
      fc.property(anyChannel, anyStart, (channel, startMs) => {
        const worse = radioDirection(channel).sentAtMs(startMs, 100);
        const better = radioDirection({ ...channel, snrDb: channel.snrDb + 3 });
        expect(better.sentAtMs(startMs, 100)).toBeLessThanOrEqual(worse);
      }),
      { numRuns: runs(100, 2000) },
    );
  });
});

it('counts the bytes of the papers', () => {
  expect(paperByteCount(PAPER.vocabularySize)).toBe(92_000);
  expect(paperByteCount(PAPER.keptCount)).toBe(86.25);
});
