/**
 * `random-step`: a coin decides which model writes each step. The control of every method that decides
 * about steps. It drafts nothing in vain, so it is cheaper than a reward at the same share of steps.
 */

import { type Method, thresholdOf } from './method.ts';
import type { RsdOptions } from './rsd-options.ts';
import { checkStepLimits } from './step-boundary.ts';
import { stepChoiceCost } from './step-cost-models.ts';
import type { Strategy } from './strategy.ts';
import { writeStep } from './write-step.ts';
import { writtenBy } from './written-by.ts';

export const randomStepMethod: Method = {
  name: 'random-step',
  summary: 'a coin gives each step to either model: the control of methods that judge steps',
  unit: 'step',
  controlOf: 'step',
  threshold: {
    name: 'share',
    default: 0.3,
    meaning: 'the large model writes this share of the steps, from 0 to 1 (or 30%)',
    isShare: true,
    deferralSide: 'below',
  },
  gate: null,
  head: null,
  usesStepCosts: false,
  optionGroups: ['steps'],
  needs: ['small', 'large'],
  costModels: [stepChoiceCost('random-step')],
  style: null,
  phrase: 'the random step gate',
  build: (value, { steps }) => randomStep(thresholdOf(value), steps),
};

/** @param share of the steps that the large model writes; keyed by (seed, position), so shares nest */
function randomStep(share: number, options: RsdOptions = {}): Strategy {
  checkStepLimits(options);
  return {
    name: 'random-step',
    needs: { small: {}, large: { continues: true } },
    thresholds: { share },
    begin: (context) => ({
      async round(round) {
        const score = context.draws.uniform(round.text.length, 'coin');
        const role = score < share ? 'large' : 'small';
        const rows = await writeStep(role, round, context, options);
        return rows.map((row) => ({ ...writtenBy(role, row), score }));
      },
    }),
  };
}
