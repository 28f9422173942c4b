/**
 * RSD with trained rewards: one name for each kind of reward head (docs/METHODS.md). Steps end where
 * those of the head's training ended, unless a user says otherwise.
 */
import type { RowReads } from '../core/row-reads.ts';
import { rewardReads } from '../judging/reward-features.ts';
import type { CostModel } from '../machines/cost-model.ts';
import { headThreshold } from './head-threshold.ts';
import type { Method } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { DELTA, rsd } from './rsd.ts';
import { stepReadingCost, stepRoutingCost } from './step-cost-models.ts';
import { trainedReward } from './trained-reward.ts';

interface Trained extends Pick<Method, 'name' | 'summary' | 'style'> {
  readonly cost: (name: string, reads: RowReads) => CostModel;
}

const HEADS: readonly Trained[] = [
  {
    name: 'rsd',
    summary: "steps, by a trained reward that looks at every token of the small model's own step",
    cost: stepRoutingCost,
    style: solidLine(HUES.green, 'square'),
  },
  {
    name: 'rsd-large',
    summary: 'the same, and the large model reads every step',
    cost: stepReadingCost,
    style: solidLine(HUES.purple, 'diamond'),
  },
  {
    name: 'rsd-separator',
    summary: 'an ablation of rsd: the usual value head, on the state at the end of the step',
    cost: stepRoutingCost,
    style: null,
  },
];

export const RSD_HEAD_METHODS: readonly Method[] = HEADS.map(trained);

function trained({ cost, ...facts }: Trained): Method {
  const { name } = facts;
  return {
    ...facts,
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
    costModels: [cost(name, rewardReads({ hidden: true }))],
    build: (value, options) => {
      const { reward, head, limits } = trainedReward(name, name, options);
      const { samples } = options;
      const strategy = rsd(name, reward, headThreshold(head, value), { ...limits, samples });
      const { share } = value;
      const on = head.calibration?.on ?? '';
      return share === null ? strategy : { ...strategy, askedShare: { share, unit: 'step', on } };
    },
  };
}
