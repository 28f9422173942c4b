/**
 * RSD with trained rewards: one name for each kind of reward head (docs/METHODS.md). Steps end where
 * those of the head's training ended, unless a user says otherwise.
 */
import { stepRoutingCost } from './cost-models.ts';
import { headThreshold } from './head-threshold.ts';
import type { Method } from './method.ts';
import { HUES, type MethodStyle, solidLine } from './method-style.ts';
import { DELTA, rsd } from './rsd.ts';
import { trainedReward } from './trained-reward.ts';

const HEADS: readonly (readonly [name: string, summary: string, style: MethodStyle | null])[] = [
  [
    'rsd',
    "steps, by a trained reward that looks at every token of the small model's own step",
    solidLine(HUES.green, 'square'),
  ],
  [
    'rsd-large',
    'the same, and the large model reads every step',
    solidLine(HUES.purple, 'diamond'),
  ],
  ['rsd-separator', "its ablation: the usual value head, on the state at the step's end", null],
];

export const RSD_HEAD_METHODS: readonly Method[] = HEADS.map((facts) => trained(...facts));

function trained(name: string, summary: string, style: MethodStyle | null): Method {
  return {
    name,
    summary,
    unit: 'step',
    controlOf: null,
    threshold: {
      ...DELTA,
      default: null,
      meaning: `${DELTA.meaning}; or a share of steps, as 5%, for prompts like those of the calibration`,
    },
    gate: null,
    head: { kind: 'reward', name },
    usesStepCosts: false,
    needs: ['small', 'large'],
    costModels: [stepRoutingCost(name)],
    style,
    build: (value, options) => {
      const { reward, head, limits } = trainedReward(name, name, options);
      const { samples } = options;
      return rsd(name, reward, headThreshold(head, value), { ...limits, samples });
    },
  };
}
