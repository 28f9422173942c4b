/**
 * Query routing by a coin: one model writes the whole answer, regardless of the question. It is the
 * control of all methods that decide about whole answers.
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
  optionGroups: [],
  needs: ['small', 'large'],
  costModels: [randomQueryCost],
  style: null,
  build: (value) => randomQuery(thresholdOf(value)),
};

/** The position of a request's coin. The positions of tokens begin after it. */
const COIN_POSITION = 0;

/**
 * @param share of the answers that the large model writes; a larger share includes the answers of a
 *   smaller one
 */
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
