/** How an answer goes on behind a branch: under one model alone at first, later a router's routing. */
import type { ModelRole } from '../../core/model-id.ts';
import { defers } from '../../judging/gate.ts';
import { type Router, routerScore, scoreDigest } from '../../judging/router.ts';
import type { StateFeatures } from '../../judging/router-features.ts';
import { routerGate } from '../../judging/router-gate.ts';
import { singleModel } from '../../strategy/single-model.ts';
import type { Strategy } from '../../strategy/strategy.ts';
import { tokenRouting } from '../../strategy/token-routing.ts';
import { differingPositions, type TeacherForcedTrace } from '../traces/trace.ts';
import { traceFeatures } from '../traces/trace-features.ts';

export interface Policy {
  /** By content: ends of branches are kept under it. */
  readonly id: string;
  readonly strategy: Strategy;
  /** Positions of a reading at which it keeps the small model's token though the large one's differs. */
  keptPositions(reading: TeacherForcedTrace): ReadonlySet<number>;
}

/**
 * The small model alone, the paper's: what comes of a token where nobody helps later on. Where it
 * often fails by itself, ends say little of the token.
 */
export const SMALL_POLICY: Policy = {
  id: 'small',
  strategy: singleModel('small'),
  keptPositions: (reading) => new Set(differingPositions(reading)),
};

/**
 * The large model alone: whether a token does damage that even the large model does not make good.
 * Along its own right answers the branch that has its token ends right, so only the other is in doubt.
 */
export const LARGE_POLICY: Policy = {
  id: 'large',
  strategy: singleModel('large'),
  keptPositions: () => new Set(),
};

/** Of the first round. */
export const FIRST_POLICIES: Readonly<Record<ModelRole, Policy & { readonly share: number }>> = {
  small: { ...SMALL_POLICY, share: 0 },
  large: { ...LARGE_POLICY, share: 1 },
};

/**
 * @param router with embeddings, if it looks at them
 * @param read the features that readings have, among them the router's
 */
export function routerPolicy(router: Router, threshold: number, read: StateFeatures): Policy {
  const gate = routerGate(router);
  const score = routerScore(router);
  const { features: wanted, hiddenSize, embeddingOf } = router;
  const features = traceFeatures({ wanted, read, hiddenSize, embeddingOf });
  return {
    id: `${scoreDigest(router)}@${threshold}`,
    strategy: tokenRouting(gate, threshold, 'tau'),
    keptPositions: (reading) =>
      new Set(
        differingPositions(reading).filter(
          (position) =>
            !defers(gate.deferralSide, score(features.at(reading, position)), threshold),
        ),
      ),
  };
}
