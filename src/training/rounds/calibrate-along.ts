/**
 * Calibrates thresholds along traced trajectories: the share of tokens that a router would call the
 * large model for, and the tokens that then come out as the large model's. Pure.
 */

import type { Calibration, CalibrationPoint } from '../../judging/calibration.ts';
import { type Router, routerScore } from '../../judging/router.ts';
import type { StateFeatures } from '../../judging/router-features.ts';
import type { Steps } from '../../network/steps.ts';
import type { Example } from '../traces/example-store.ts';
import { traceFeatures } from '../traces/trace-features.ts';

/** Shares that thresholds are listed for, more closely where routers work. */
const SHARES: readonly number[] = [
  ...[0.001, 0.002, 0.003, 0.005, 0.0075],
  ...Array.from({ length: 19 }, (_, index) => 0.01 + 0.005 * index),
  ...Array.from({ length: 17 }, (_, index) => 0.11 + 0.05 * index),
];

/** A traced token: its score, and whether the models differ there. */
export interface ScoredToken {
  readonly score: number;
  readonly differs: boolean;
}

/**
 * Yields after each trajectory.
 * @param router with embeddings, if it needs them
 */
export function* scoredTokens(
  router: Router,
  examples: readonly Example[],
  read: StateFeatures,
): Steps<readonly ScoredToken[]> {
  const score = routerScore(router);
  const { features: wanted, hiddenSize, embeddingOf } = router;
  const features = traceFeatures({ wanted, read, hiddenSize, embeddingOf });
  const tokens: ScoredToken[] = [];
  for (const { trace } of examples) {
    for (const [position, token] of trace.small.entries()) {
      const differs = token !== trace.large[position];
      tokens.push({ score: score(features.at(trace, position)), differs });
    }
    yield;
  }
  return tokens;
}

/** Equal scores share a threshold, so there may be fewer points than shares. */
export function calibrationAlong(tokens: readonly ScoredToken[], on: string): Calibration {
  const order = [...tokens].sort((a, b) => a.score - b.score);
  const keptDiffering = differingFrom(order);
  const points: CalibrationPoint[] = [];
  for (const wanted of SHARES) {
    const count = Math.round(wanted * order.length);
    const threshold = between(order[count - 1]?.score, order[count]?.score);
    const called = order.filter(({ score }) => score < threshold).length;
    const share = called / order.length;
    if (points.some((point) => point.threshold >= threshold || point.share >= share)) continue;
    const agreement = 1 - (keptDiffering[called] ?? 0) / order.length;
    points.push({ threshold, share, agreement, gapRecovered: null });
  }
  return { on, points };
}

/** [count + 1]: the number of differing tokens from each place on. */
function differingFrom(order: readonly ScoredToken[]): Float64Array {
  const counts = new Float64Array(order.length + 1);
  for (let index = order.length - 1; index >= 0; index -= 1) {
    counts[index] = (counts[index + 1] ?? 0) + Number(order[index]?.differs === true);
  }
  return counts;
}

function between(below: number | undefined, above: number | undefined): number {
  if (below === undefined) return above ?? 0;
  return above === undefined ? 1 : (below + above) / 2;
}
