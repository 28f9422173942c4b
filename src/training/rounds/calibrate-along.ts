/**
 * Calibrates thresholds along traced trajectories: the share of tokens that a router would call the
 * large model for. Pure.
 */

import { required } from '../../core/invariant.ts';
import { type Calibration, shareCuts } from '../../judging/calibration.ts';
import { type Router, routerScore } from '../../judging/router.ts';
import type { StateFeatures } from '../../judging/router-features.ts';
import type { ShareCut } from '../../judging/score-distribution.ts';
import type { Steps } from '../../network/steps.ts';
import type { Example } from '../traces/example-store.ts';
import { traceFeatures } from '../traces/trace-features.ts';

/**
 * The score of every token. Yields after each trajectory.
 * @param router with embeddings, if it needs them
 */
export function* tokenScores(
  router: Router,
  examples: readonly Example[],
  read: StateFeatures,
): Steps<readonly number[]> {
  const score = routerScore(router);
  const { features: wanted, hiddenSize, embeddingOf } = router;
  const features = traceFeatures({ wanted, read, hiddenSize, embeddingOf });
  const scores: number[] = [];
  for (const { trace } of examples) {
    for (const position of trace.small.keys()) scores.push(score(features.at(trace, position)));
    yield;
  }
  return scores;
}

/**
 * Shares for policies and defaults. They are part of the names of kept rollouts: with other shares, the
 * folders of earlier versions would be rolled out anew.
 */
const POLICY_SHARES: readonly number[] = [
  ...[0.001, 0.002, 0.003, 0.005, 0.0075],
  ...Array.from({ length: 19 }, (_, index) => 0.01 + 0.005 * index),
  ...Array.from({ length: 17 }, (_, index) => 0.11 + 0.05 * index),
];

/** The first threshold of a policy that calls for at least the wanted share, or else the last one. */
export function policyCut(scores: readonly number[], wanted: number): ShareCut {
  const order = Float64Array.from(scores).sort();
  const cutAt = (share: number): ShareCut => {
    const count = Math.round(share * order.length);
    const threshold = between(order[count - 1], order[count]);
    return { threshold, share: order.filter((score) => score < threshold).length / order.length };
  };
  const cuts = POLICY_SHARES.map(cutAt);
  const most = Math.max(...cuts.map(({ share }) => share));
  return required(
    cuts.find(({ share }) => share >= Math.min(wanted, most)),
    'one of them calls for most',
  );
}

function between(below: number | undefined, above: number | undefined): number {
  if (below === undefined) return above ?? 0;
  return above === undefined ? 1 : (below + above) / 2;
}

/** The shares along the trajectories. The router did not run, so there are no measured points. */
export function calibrationAlong(scores: readonly number[], on: string): Calibration {
  return { on, cuts: shareCuts(scores), points: [] };
}
