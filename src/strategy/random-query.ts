/**
 * Query routing by a coin: one model or the other writes the whole answer, whatever was asked. The
 * control of everything that decides about whole answers.
 */
import { randomQueryCost } from './cost-models.ts';
import { type Method, thresholdOf } from './method.ts';
import { singleModel } from './single-model.ts';
import type { Strategy } from './strategy.ts';

export const randomQueryMethod: Method = {
  name: 'random-query',
  summary: 'a coin gives the whole answer to either model: the control of cascades',
  unit: 'query',
  controlOf: 'query',
  threshold: {
    name: 'share',
    default: 0.3,
    meaning: 'the large model writes this share of the answers, from 0 to 1 (or 30%)',
    isShare: true,
    deferralSide: 'below',
  },
  gate: null,
  head: null,
  usesStepCosts: false,
  needs: ['small', 'large'],
  costModels: [randomQueryCost],
  style: null,
  build: (value) => randomQuery(thresholdOf(value)),
};

/** The coin of a request; positions of tokens begin behind it. */
const COIN_POSITION = 0;

/** @param share of the answers that the large model writes; coins of one seed nest over shares */
function randomQuery(share: number): Strategy {
  return {
    name: 'random-query',
    needs: { small: {}, large: {} },
    thresholds: { share },
    begin(context) {
      const isLarge = context.draws.uniform(COIN_POSITION, 'coin') < share;
      return singleModel(isLarge ? 'large' : 'small').begin(context);
    },
  };
}
