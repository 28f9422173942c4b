/** Hybrid inference where a trained router decides what is transmitted (docs/METHODS.md). */
import { routerGate } from '../judging/router-gate.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { headThreshold } from './head-threshold.ts';
import type { HeadNeed, Method } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { missingHead } from './missing-head.ts';
import { hybrid } from './uhlm.ts';

const NAME = 'uhlm-router';
/** The router of the method `citer`: it says how likely the small model's token is good enough. */
const ROUTER: HeadNeed = { kind: 'router', name: 'citer' };
const TRAINED_BY = `pilotfish train router --objective ${ROUTER.name}`;
const THRESHOLD_NAME = 'tau';

export const uhlmRouterMethod: Method = {
  name: NAME,
  summary: 'the same by a trained router, that of citer',
  unit: 'draft',
  controlOf: null,
  threshold: {
    ...{ name: THRESHOLD_NAME, default: null, isShare: false, deferralSide: 'below' },
    meaning:
      'drafts whose score is below it are transmitted; or a share, as 30%, which holds for ' +
      'prompts like those of the calibration',
  },
  gate: null,
  head: ROUTER,
  usesStepCosts: false,
  ...{ optionGroups: ['uplink'], sends: 'distribution' },
  fit: { givesThreshold: false },
  needs: ['small', 'large'],
  costModels: [tokenRoutingCost({ name: NAME, reads: { distribution: true } })],
  style: solidLine(HUES.brown, 'square'),
  build: (value, options) => {
    const router = options.routers?.get(ROUTER.name);
    if (router === undefined)
      throw missingHead({ strategy: NAME, kind: ROUTER.kind, trainedBy: TRAINED_BY });
    return hybrid(NAME, {
      gate: routerGate(router),
      threshold: headThreshold(router, value),
      thresholdName: THRESHOLD_NAME,
      ...{ uplink: options.uplink, fits: options.fits, sampling: options.sampling },
      onTransmit: options.onTransmit,
    });
  },
};
