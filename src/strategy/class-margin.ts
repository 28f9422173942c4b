/**
 * `class-margin`: the margin, but only where the small model proposes a number or an operator. It is
 * untrained and looks at one token, so it is a simple rule that a trained router has to beat.
 */
import { isArithmetic } from '../judging/arithmetic-token.ts';
import type { Gate } from '../judging/gate.ts';
import { marginGate } from './margin.ts';
import type { Method } from './method.ts';
import { HUES } from './method-style.ts';
import { tokenMethod } from './token-routing.ts';

/** The score of tokens outside the class: above every margin, which is at most 1. */
const OUTSIDE = 2;

/** The margin of a proposed token of the class; `OUTSIDE` for any other token. */
export const classMarginGate: Gate = {
  name: 'class-margin',
  reads: marginGate.reads,
  deferralSide: 'below',
  score: (row, position, context) =>
    isArithmetic(context.tokenBytes(row.tokenId))
      ? marginGate.score(row, position, context)
      : OUTSIDE,
};

export const classMarginMethod: Method = tokenMethod(classMarginGate, {
  summary: 'margin, but only where the small model proposes digits or an operator',
  threshold: {
    name: 'margin',
    default: 0.3,
    meaning: 'the large model writes numbers and operators whose margin is below it',
  },
  style: { hue: HUES.vermilion, shape: 'cross', dash: [7, 3] },
});
