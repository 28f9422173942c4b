/** A router as a gate: the large model writes where the score is below the threshold (CITER, eq. 5). */
import type { Gate } from './gate.ts';
import { type Router, routerScore } from './router.ts';
import { featureSize, writeFeatures } from './router-features.ts';

export function routerGate(router: Router): Gate {
  const { features, hiddenSize, strategy } = router;
  const score = routerScore(router);
  const halves = new Uint16Array(featureSize(features, hiddenSize));
  return {
    name: strategy,
    needs: {
      ...(features.hidden ? { hidden: true } : {}),
      ...(features.topLogprobs > 0 ? { topLogprobs: features.topLogprobs } : {}),
    },
    callsOn: 'below',
    score: (row) => {
      writeFeatures(row, features, halves);
      return score(halves);
    },
    calls: (value, threshold) => value < threshold,
  };
}
