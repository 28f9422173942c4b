/** How an answer goes on behind a branch: the small model alone at first, later a router's routing. */
import { type Router, routerScore, scoreDigest } from '../../routing/router.ts';
import type { StateFeatures } from '../../routing/router-features.ts';
import { routerGate } from '../../routing/router-gate.ts';
import { singleModel } from '../../strategy/single-model.ts';
import type { Strategy } from '../../strategy/strategy.ts';
import { tokenRouting } from '../../strategy/token-routing.ts';
import { differingPositions, type Reading } from '../readings/reading.ts';
import { readingFeatures } from '../readings/reading-features.ts';

export interface Policy {
  /** By content: ends of branches are kept under it. */
  readonly id: string;
  readonly strategy: Strategy;
  /** Positions of a reading at which it keeps the small model's token though the large one's differs. */
  keptPositions(reading: Reading): ReadonlySet<number>;
}

/** Of the first round. */
export const SMALL_POLICY: Policy = {
  id: 'small',
  strategy: singleModel('small'),
  keptPositions: (reading) => new Set(differingPositions(reading)),
};

/**
 * @param router with embeddings, if it looks at them
 * @param read the features that readings have, among them the router's
 */
export function routerPolicy(router: Router, threshold: number, read: StateFeatures): Policy {
  const gate = routerGate(router);
  const score = routerScore(router);
  const { features: wanted, hiddenSize, embeddingOf } = router;
  const features = readingFeatures({ wanted, read, hiddenSize, embeddingOf });
  return {
    id: `${scoreDigest(router)}@${threshold}`,
    strategy: tokenRouting(gate, threshold, 'tau'),
    keptPositions: (reading) =>
      new Set(
        differingPositions(reading).filter(
          (position) => !gate.calls(score(features.at(reading, position)), threshold),
        ),
      ),
  };
}
