/** RSD with models as rewards: generative judges, SpecReason's among them, and process reward models. */
import {
  DIGIT_MAX,
  DIGITS,
  PLUS_OR_MINUS,
  tagged,
  turns,
  YES_OR_NO,
} from '../judging/judge-prompt.ts';
import { type JudgeSettings, judgeReward } from '../judging/judge-reward.ts';
import { type Method, thresholdOf } from './method.ts';
import { rsd } from './rsd.ts';
import { judgedStepsCost } from './step-cost-models.ts';

interface JudgeMethod extends JudgeSettings, Pick<Method, 'summary'> {
  readonly threshold: number;
  /** The threshold that only the reward 1 reaches; default 1. */
  readonly thresholdMax?: number;
}

function judged({ summary, threshold, thresholdMax = 1, ...settings }: JudgeMethod): Method {
  const { name, label } = settings;
  const reward = judgeReward(settings);
  const range = thresholdMax === 1 ? '' : `, from 0 to ${thresholdMax}`;
  return {
    ...{ name, summary, unit: 'step', controlOf: null },
    threshold: {
      name: 'delta',
      default: threshold,
      meaning: `the large model writes steps whose reward is below it${range}`,
      isShare: false,
      deferralSide: 'below',
    },
    ...{ gate: null, head: null, usesStepCosts: false, style: null },
    needs: ['small', 'large', label],
    costModels: [judgedStepsCost(name)],
    build: (value, { steps, samples }) =>
      rsd(name, reward, thresholdOf(value), { ...steps, samples, rewardMax: thresholdMax }),
  };
}

export const JUDGE_METHODS: readonly Method[] = [
  judged({
    ...{ name: 'rsd-judge', label: 'judge', layout: turns, scales: [YES_OR_NO, PLUS_OR_MINUS] },
    summary: 'steps, by a model that is asked whether the step is right',
    threshold: 0.5,
  }),
  judged({
    ...{ name: 'specreason', label: 'judge', layout: turns, scales: [DIGITS] },
    summary: 'steps, by a model that is asked for a score from 0 to 9 (SpecReason)',
    ...{ threshold: 7, thresholdMax: DIGIT_MAX },
  }),
  judged({
    ...{ name: 'rsd-prm', label: 'reward', layout: tagged, scales: [PLUS_OR_MINUS] },
    summary: 'steps, by a process reward model that answers + or - (Math-Shepherd)',
    threshold: 0.95,
  }),
];
