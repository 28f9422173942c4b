/** A fit of U-HLM with round numbers, for the models of tiny routers. */
import type { UhlmFit } from '../uhlm-fit.ts';
import { decodeUhlmFit, encodeUhlmFit } from '../uhlm-fit-file.ts';
import { LARGE_DIGEST, SMALL_DIGEST } from './tiny-router.ts';

export function someFit(changes: Partial<Omit<UhlmFit, 'digest'>> = {}): UhlmFit {
  const report = {
    ...{ threshold: 0.1, skippedShare: 0.5, expectedRisk: 0, riskBound: 0 },
    ...{ observedRisk: 0.001, totalVariation: 0.0005 },
  };
  const fit: Omit<UhlmFit, 'digest'> = {
    strategy: 'uhlm',
    pair: {
      small: { name: 'small', digest: SMALL_DIGEST },
      large: { name: 'large', digest: LARGE_DIGEST },
    },
    training: { questions: 'pocket/train', questionCount: 2, seed: 1 },
    temperature: 1,
    law: { slope: 0.5, intercept: -0.05 },
    correlation: 0.75,
    draftCount: 100,
    bins: [
      {
        ...{ from: 0, to: 0.1, meanUncertainty: 0.0625, observed: 0.015625, predicted: 0.03125 },
        count: 100,
      },
    ],
    toleratedRejection: 0.5,
    truncationError: 0.1,
    offlineTokenCount: 3,
    heldOut: {
      ...{ questionCount: 1, draftCount: 20, correlation: 0.5, averse: report },
      prone: { ...report, threshold: 1.1, totalVariation: null },
    },
    trainedOn: new Set([7, 2 ** 40]),
    calibratedOn: new Set(),
    ...changes,
  };
  return decodeUhlmFit(encodeUhlmFit(fit));
}
