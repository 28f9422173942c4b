import { expect, it } from 'vitest';
import { decodeTensors, encodeTensors } from '../network/safetensors.ts';
import { tinyReward } from './fakes/tiny-reward.ts';
import { tinyRouter } from './fakes/tiny-router.ts';
import { rewardFeatureSize } from './reward-features.ts';
import { decodeReward, encodeReward } from './reward-file.ts';
import { rewardDigest, rewardOfRows } from './reward-head.ts';
import { encodeRouter } from './router-file.ts';

const HEAD = tinyReward({
  features: { hidden: true, large: 'logprob', tokens: 'all' },
  ...{ hiddenSize: 2, largeHiddenSize: 3 },
});

it('gives back what was written, whatever the calibration', () => {
  const read = decodeReward(encodeReward(HEAD));
  expect(read).toEqual(HEAD);
  const calibration = { on: 'ten questions', cuts: [], points: [] };
  const calibrated = decodeReward(encodeReward({ ...HEAD, calibration, defaultThreshold: 0.5 }));
  expect(calibrated.calibration).toEqual(calibration);
  expect(calibrated.digest).not.toBe(HEAD.digest);
  // Scores do not depend on it.
  expect(rewardDigest(calibrated)).toBe(rewardDigest(HEAD));
  expect(rewardDigest({ ...HEAD, separators: ['\n'] })).not.toBe(rewardDigest(HEAD));
});

it('is no router, and a router is no reward', () => {
  expect(() => decodeReward(encodeRouter(tinyRouter()))).toThrow(
    expect.objectContaining({
      code: 'head-invalid',
      message: 'The file cannot be used as a reward head: it holds no reward head.',
    }),
  );
});

it('is refused from a later version, or with other features than its network reads', () => {
  const file = decodeTensors(encodeReward(HEAD));
  const later = encodeTensors({ ...file, metadata: { ...file.metadata, version: '2' } });
  expect(() => decodeReward(later)).toThrow('its version is 2, not 1 or earlier');
  const facts = (file.metadata['facts'] ?? '').replace('"large":"logprob"', '"large":"none"');
  const other = encodeTensors({ ...file, metadata: { ...file.metadata, facts } });
  expect(() => decodeReward(other)).toThrow('its network reads 6 features, not 5');
});

it('multiplies the probabilities of its tokens, so a step is as good as its worst token', () => {
  const size = rewardFeatureSize(HEAD.features, { small: 2, large: 3 });
  const token = (value: number): number[] => new Array<number>(size).fill(value);
  const one = (...bits: number[]): number => rewardOfRows(Uint16Array.from(bits), HEAD);
  const [a, b] = [one(...token(0x3c00)), one(...token(0xbc00))];
  expect(one(...token(0x3c00), ...token(0xbc00))).toBeCloseTo(a * b, 12);
  expect(one()).toBe(1);
  for (const reward of [a, b]) {
    expect(reward).toBeGreaterThan(0);
    expect(reward).toBeLessThan(1);
  }
});
