/** `random`: a coin decides about each token. The control of every method that decides about tokens. */
import type { Gate } from '../judging/gate.ts';
import type { Method } from './method.ts';
import { tokenMethod } from './token-routing.ts';

/**
 * A uniform number in (0, 1), keyed by (seed, position), so that the tokens of a smaller share are a
 * subset of those of a larger share.
 */
export const randomGate: Gate = {
  name: 'random',
  reads: {},
  deferralSide: 'below',
  score: (_row, position, { draws }) => draws.uniform(position, 'coin'),
};

export const randomMethod: Method = {
  ...tokenMethod(randomGate, {
    summary: 'token routing by a coin: the control',
    threshold: {
      name: 'share',
      default: 0.3,
      meaning: 'the large model writes this share of the tokens, from 0 to 1 (or 30%)',
      isShare: true,
    },
    style: null,
  }),
  controlOf: 'token',
  phrase: 'the random gate',
};
