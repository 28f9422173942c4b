/** A router as a gate: the large model writes where the score is below the threshold (CITER, eq. 5). */
import { joinReads } from '../core/row-reads.ts';
import type { Gate } from './gate.ts';
import { type Router, routerScore } from './router.ts';
import { featureSize, writeStateFeatures, writeTokenFeatures } from './router-features.ts';

/** @param router with embeddings, if it looks at them */
export function routerGate(router: Router): Gate {
  const { features, hiddenSize, strategy, embeddingOf } = router;
  const score = routerScore(router);
  const halves = new Uint16Array(featureSize(features, hiddenSize));
  return {
    name: strategy,
    reads: joinReads(features),
    deferralSide: 'below',
    score: (row) => {
      writeStateFeatures(row, features, halves);
      writeTokenFeatures(row.tokenId, features, embeddingOf, halves);
      return score(halves);
    },
    defers: (value, threshold) => value < threshold,
  };
}
