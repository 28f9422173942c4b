/** `margin`: the large model writes the tokens whose two likeliest candidates lie close together. */
import { required } from '../core/invariant.ts';
import type { Gate } from '../judging/gate.ts';
import type { Method } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { tokenMethod } from './token-routing.ts';

/** The small model's probability of its best token minus that of the second best. */
export const marginGate: Gate = {
  name: 'margin',
  reads: { uncertainty: true },
  deferralSide: 'below',
  score: (row) => required(row.margin, 'the row program computes the margin'),
};

export const marginMethod: Method = tokenMethod(marginGate, {
  summary: "token routing by the small model's top-2 probability margin",
  threshold: {
    name: 'margin',
    default: 0.3,
    meaning: 'the large model writes tokens whose margin is below it',
  },
  style: solidLine(HUES.vermilion, 'square'),
});
