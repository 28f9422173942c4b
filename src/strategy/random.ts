/** `random`: a coin decides about each token. The control of every method that decides about tokens. */
import { randomGate } from '../judging/gate.ts';
import type { Method } from './method.ts';
import { tokenMethod } from './token-routing.ts';

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
