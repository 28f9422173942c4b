/**
 * Query routing by a coin: one model or the other writes the whole answer, whatever was asked. The
 * control of everything that decides about whole answers.
 */
import { singleModel } from './single-model.ts';
import type { Strategy } from './strategy.ts';

/** The coin of a request; positions of tokens begin behind it. */
const COIN_POSITION = 0;

/** @param share of the answers that the large model writes; coins of one seed nest over shares */
export function randomQuery(share: number): Strategy {
  return {
    name: 'random-query',
    needs: ['small', 'large'],
    thresholds: { share },
    begin(context) {
      const isLarge = context.draws.uniform(COIN_POSITION, 'coin') < share;
      return singleModel(isLarge ? 'large' : 'small').begin(context);
    },
  };
}
