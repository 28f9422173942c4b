/** How an answer goes on behind a branch: the small model alone at first, later a router's routing. */
import { createHash } from 'node:crypto';
import type { Router } from '../../routing/router.ts';
import { routerScore } from '../../routing/router.ts';
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
    id: `${networkDigest(router)}@${threshold}`,
    strategy: tokenRouting(gate, threshold, 'tau'),
    keptPositions: (reading) =>
      new Set(
        differingPositions(reading).filter(
          (position) => !gate.calls(score(features.at(reading, position)), threshold),
        ),
      ),
  };
}

const DIGEST_DIGITS = 16;

/** Of what scores depend on, and nothing else: a router with other notes is the same policy. */
function networkDigest({ network, temperature, features }: Router): string {
  const hash = createHash('sha256').update(JSON.stringify([temperature, features]));
  for (const { weights, biases } of network.layers) {
    for (const numbers of [weights, biases]) {
      hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    }
  }
  return hash.digest('hex').slice(0, DIGEST_DIGITS);
}
