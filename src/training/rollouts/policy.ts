/**
 * The policy that continues an answer after a branch: one model alone at first, later a router's
 * routing.
 */
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
  /** Names the policy by its content. Ends of branches are stored under it. */
  readonly id: string;
  readonly strategy: Strategy;
  /**
   * Positions of a trace at which the policy keeps the small model's token although the large model's
   * differs.
   */
  keptPositions(trace: TeacherForcedTrace): ReadonlySet<number>;
}

/**
 * The small model alone, as in the paper: the outcome of a token without any later help. If the small
 * model often fails by itself, ends say little about the token.
 */
export const SMALL_POLICY: Policy = {
  id: 'small',
  strategy: singleModel('small'),
  keptPositions: (trace) => new Set(differingPositions(trace)),
};

/**
 * The large model alone: whether a token does damage that even the large model does not repair. Along
 * its own right answers the branch with its own token ends right, so only the other branch is in doubt.
 */
export const LARGE_POLICY: Policy = {
  id: 'large',
  strategy: singleModel('large'),
  keptPositions: () => new Set(),
};

/** The policies of the first round. */
export const FIRST_POLICIES: Readonly<Record<ModelRole, Policy & { readonly share: number }>> = {
  small: { ...SMALL_POLICY, share: 0 },
  large: { ...LARGE_POLICY, share: 1 },
};

/**
 * @param router with embeddings, if it needs them
 * @param read the features in traces, which include the router's
 */
export function routerPolicy(router: Router, threshold: number, read: StateFeatures): Policy {
  const gate = routerGate(router);
  const score = routerScore(router);
  const { features: wanted, hiddenSize, embeddingOf } = router;
  const features = traceFeatures({ wanted, read, hiddenSize, embeddingOf });
  return {
    id: `${scoreDigest(router)}@${threshold}`,
    strategy: tokenRouting(gate, threshold, { thresholdName: 'tau' }),
    keptPositions: (trace) =>
      new Set(
        differingPositions(trace).filter(
          (position) => !defers(gate.deferralSide, score(features.at(trace, position)), threshold),
        ),
      ),
  };
}
