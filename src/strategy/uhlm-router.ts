/** Hybrid inference where a trained router decides what is transmitted (docs/METHODS.md). */
import { PilotfishError } from '../core/errors.ts';
import { routerGate } from '../judging/router-gate.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { headThreshold } from './head-threshold.ts';
import type { HeadNeed, Method } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { hybrid } from './uhlm.ts';

const NAME = 'uhlm-router';
/** The router of the method `citer`: it says how likely the small model's token is good enough. */
const ROUTER: HeadNeed = { kind: 'router', name: 'citer' };
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
  optionGroups: ['uplink'],
  fit: { givesThreshold: false },
  needs: ['small', 'large'],
  costModels: [tokenRoutingCost({ name: NAME, reads: { distribution: true } })],
  style: solidLine(HUES.brown, 'square'),
  build: (value, options) => {
    const router = options.routers?.get(ROUTER.name);
    if (router === undefined) throw missing();
    return hybrid(NAME, {
      gate: routerGate(router),
      threshold: headThreshold(router, value),
      thresholdName: THRESHOLD_NAME,
      ...{ uplink: options.uplink, fits: options.fits, temperature: options.temperature },
    });
  },
};

function missing(): PilotfishError {
  return new PilotfishError('head-missing', `${NAME} needs a router trained for these models.`, {
    remedy:
      `Train one with \`pilotfish train router --objective ${ROUTER.name}\`, ` +
      'or name its file with --head.',
    fields: { strategy: NAME },
  });
}
