import { describe, expect, it } from 'vitest';
import { tinyNetwork, tinyRouter } from './fakes/tiny-router.ts';
import { type Router, scoreDigest } from './router.ts';

describe('the score digest', () => {
  const digest = scoreDigest(tinyRouter());

  it.each<[string, Partial<Omit<Router, 'digest'>>]>([
    ['calibration', { calibration: null }],
    ['default', { defaultThreshold: 0.1 }],
    ['questions of its calibration', { calibratedOn: new Set([1, 2]) }],
    ['reliability', { reliability: [] }],
    ['notes', { training: { seed: 3 } }],
  ])('does not change with the %s', (_what, changes) => {
    const other = tinyRouter(changes);
    expect(other.digest).not.toBe(tinyRouter().digest);
    expect(scoreDigest(other)).toBe(digest);
  });

  it.each<[string, Partial<Omit<Router, 'digest'>>]>([
    ['network', { network: tinyNetwork(4, 2) }],
    ['temperature', { temperature: 1.25 }],
    [
      'kind of features',
      {
        hiddenSize: 3,
        features: { hidden: true, topLogprobs: 1, tokenEmbedding: false },
        network: tinyNetwork(4),
      },
    ],
  ])('changes with the %s', (_what, changes) => {
    expect(scoreDigest(tinyRouter(changes))).not.toBe(digest);
  });
});
