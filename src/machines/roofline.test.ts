import { describe, expect, it } from 'vitest';
import { decodeShape } from './forward-costs.ts';
import { KNOWN_MACHINES } from './known-machines.ts';
import type { PredictedProfile } from './machine-profile.ts';
import { parseProfile } from './profile-format.ts';
import { rooflineCosts } from './roofline.ts';

const MODEL = {
  weightBytes: 1e9,
  parameterCounts: { body: 1e9, outputHead: 1e8 },
  kvBytesPerToken: 1e5,
};
/** A gigabyte and a TFLOP per second, half of which is reached. */
const MACHINE: PredictedProfile = {
  format: 'pilotfish-profile',
  version: 1,
  name: 'slow',
  kind: 'predicted',
  roundTripMs: null,
  title: 'a slow machine',
  source: 'made up',
  roofline: { bytesPerSecond: 1e9, flopsPerSecond: 1e12, efficiency: 0.5, launchMs: 3 },
};

describe('rooflineCosts', () => {
  const { forwardMs, overheadMs, readingMs } = rooflineCosts(MACHINE, MODEL);

  it('waits for memory, for weights and cache, if rows are few', () => {
    // 1 GB and a row of 0.1 MB at half of 1 GB/s, with 3 ms to launch.
    expect(forwardMs(decodeShape(1, 0))).toBeCloseTo(2000.2 + 3, 6);
    expect(forwardMs(decodeShape(1, 999))).toBeCloseTo(2200 + 3, 6);
  });

  it('waits for arithmetic if rows are many, and counts the head for output rows only', () => {
    const cachedTokenCount = 0;
    const prefill = { rowCount: 5000, outputRowCount: 0, cachedTokenCount };
    expect(forwardMs(prefill)).toBeCloseTo(1000 * 2 * 10 + 3, 6);
    expect(forwardMs({ ...prefill, outputRowCount: 5000 })).toBeCloseTo(1000 * 2 * 11 + 3, 6);
  });

  it('counts no overhead of this program', () => {
    expect(overheadMs).toBe(0);
    expect(readingMs).toEqual({ logprob: 0, uncertainty: 0, draw: 0 });
  });
});

describe('known machines', () => {
  it('are valid profiles, each with its source', () => {
    for (const machine of KNOWN_MACHINES) {
      expect(parseProfile(JSON.stringify(machine), machine.name)).toEqual(machine);
      expect(machine.source).toMatch(/\d/);
    }
    expect(new Set(KNOWN_MACHINES.map(({ name }) => name)).size).toBe(KNOWN_MACHINES.length);
  });

  it('decode eight rows for about the price of one on a GPU', () => {
    const gpu = KNOWN_MACHINES.find(({ name }) => name === 'rtx-4090') ?? MACHINE;
    const { forwardMs } = rooflineCosts(gpu, MODEL);
    expect(forwardMs(decodeShape(8, 0)) / forwardMs(decodeShape(1, 0))).toBeLessThan(1.01);
  });
});
