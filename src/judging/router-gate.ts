/** A router as a gate: the large model writes if the score is below the threshold (CITER, eq. 5). */
import { joinReads } from '../core/row-reads.ts';
import type { Gate } from './gate.ts';
import { type Router, routerScore } from './router.ts';
import { featureSize, writeStateFeatures, writeTokenFeatures } from './router-features.ts';

/** @param router with its embeddings, if its features include them */
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
  };
}
