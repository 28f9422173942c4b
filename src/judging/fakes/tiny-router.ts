/**
 * Small routers with weights from a formula. Their scores are known to every test and differ from row
 * to row.
 */
import { FoldedNetwork } from '../../network/folded-network.ts';
import type { CalibrationPoint } from '../calibration.ts';
import type { Router } from '../router.ts';
import { featureSize } from '../router-features.ts';
import { decodeRouter, encodeRouter } from '../router-file.ts';

export const SMALL_DIGEST = 'digest of small';
export const LARGE_DIGEST = 'digest of large';

/** One hidden layer of three units; its weights are exact in half precision. */
export function tinyNetwork(inputSize: number, seed = 1): FoldedNetwork {
  const outputSize = 3;
  const weight = (at: number): number => (((at * 7 + seed * 5) % 11) - 5) / 8;
  const first = {
    inputSize,
    outputSize,
    weights: Float32Array.from({ length: inputSize * outputSize }, (_, at) => weight(at)),
    biases: Float32Array.of(0.5, -0.25, 0.125),
  };
  const last = {
    inputSize: outputSize,
    outputSize: 1,
    weights: Float32Array.of(1, -0.5, 0.75),
    biases: Float32Array.of(0.25),
  };
  return new FoldedNetwork([first, last]);
}

function point(threshold: number, predictedShare: number, share: number): CalibrationPoint {
  return { threshold, predictedShare, share, agreement: 0.9 + threshold / 10, gapRecovered: null };
}

/** A router as decoded from its file, for a small model with this hidden size (default 4). */
export function tinyRouter(changes: Partial<Omit<Router, 'digest'>> = {}): Router {
  const { hiddenSize = 4, features = { hidden: true, topLogprobs: 0, tokenEmbedding: false } } =
    changes;
  const router = {
    strategy: 'citer',
    pair: {
      small: { name: 'small', digest: SMALL_DIGEST },
      large: { name: 'large', digest: LARGE_DIGEST },
    },
    temperature: 1.5,
    defaultThreshold: 0.625,
    calibration: {
      on: 'a formula',
      cuts: [10, 20, 30, 40, 50].map((at) => ({ threshold: (at + 15) / 100, share: at / 100 })),
      points: [point(0.25, 0.1, 0.1), point(0.45, 0.3, 0.3), point(0.65, 0.5, 0.6)],
    },
    reliability: [{ predicted: 0.25, observed: 0.5, count: 4 }],
    training: { questions: 'letters/train', questionCount: 3 },
    calibratedOn: new Set<number>(),
    trainedOn: new Set([7, 2 ** 24, 2 ** 48 - 1]),
    network: tinyNetwork(featureSize(features, hiddenSize)),
    ...changes,
    hiddenSize,
    features,
  };
  return decodeRouter(encodeRouter(router));
}

/** One router for each strategy. */
export function tinyRouters(
  strategies: readonly string[],
  changes: Partial<Omit<Router, 'digest'>> = {},
): ReadonlyMap<string, Router> {
  return new Map(strategies.map((strategy) => [strategy, tinyRouter({ ...changes, strategy })]));
}
