/** `margin`: the large model writes the tokens whose two likeliest candidates lie close together. */
import { marginGate } from '../judging/gate.ts';
import type { Method } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { tokenMethod } from './token-routing.ts';

export const marginMethod: Method = tokenMethod(marginGate, {
  summary: "token routing by the small model's top-2 probability margin",
  threshold: {
    name: 'margin',
    default: 0.3,
    meaning: 'the large model writes tokens whose margin is below it',
  },
  style: solidLine(HUES.vermilion, 'square'),
});
