/**
 * Token routing by a trained router: one name for each way to train a router (docs/METHODS.md). The
 * methods differ only in their routers, so they share these facts.
 */
import { routerGate } from '../judging/router-gate.ts';
import { learnedRoutingCost } from './cost-models.ts';
import { headThreshold } from './head-threshold.ts';
import type { Method, ThresholdFacts } from './method.ts';
import { HUES, type MethodStyle, solidLine } from './method-style.ts';
import { missingHead } from './missing-head.ts';
import { tokenRouting } from './token-routing.ts';

const TAU: ThresholdFacts = {
  name: 'tau',
  default: null,
  meaning:
    'the large model writes tokens whose score is below it; or a share, as 30%, which holds for ' +
    'prompts like those of the calibration',
  isShare: false,
  deferralSide: 'below',
};

const ROUTED: readonly (readonly [name: string, summary: string, style: MethodStyle])[] = [
  [
    'citer',
    'token routing by a router trained to look ahead to the final answer',
    solidLine(HUES.green, 'triangle-up'),
  ],
  [
    'citer-paper',
    "the same with the paper's labels along references",
    solidLine(HUES.brown, 'diamond'),
  ],
  [
    'citer-s',
    'its ablation: a router trained on whether the next tokens are the same',
    solidLine(HUES.pink, 'diamond'),
  ],
  [
    'co-llm',
    'a router trained on the likelihood of both models mixed',
    solidLine(HUES.indigo, 'cross'),
  ],
  [
    'co-llm-supervised',
    'the same, and on whether the next tokens are the same',
    solidLine(HUES.teal, 'triangle-up'),
  ],
  [
    'alignment',
    "a router trained on how likely the large model finds the small one's token",
    solidLine(HUES.purple, 'square'),
  ],
];

export const ROUTED_METHODS: readonly Method[] = ROUTED.map((facts) => routed(...facts));

function routed(name: string, summary: string, style: MethodStyle): Method {
  return {
    name,
    summary,
    unit: 'token',
    controlOf: null,
    threshold: TAU,
    gate: null,
    head: { kind: 'router', name },
    usesStepCosts: false,
    needs: ['small', 'large'],
    costModels: [learnedRoutingCost(name)],
    style,
    build: (value, { routers, uplink }) => {
      const router = routers?.get(name);
      if (router === undefined) {
        const trainedBy = `pilotfish train router --objective ${name}`;
        throw missingHead({ strategy: name, kind: 'router', trainedBy });
      }
      const strategy = tokenRouting(routerGate(router), headThreshold(router, value), {
        thresholdName: TAU.name,
        ahead: uplink?.ahead,
        run: uplink?.run,
      });
      const { share } = value;
      const on = router.calibration?.on ?? '';
      return share === null ? strategy : { ...strategy, askedShare: { share, unit: 'token', on } };
    },
  };
}
