/** `entropy`: the large model writes the tokens at which the small model's entropy is high. */
import { required } from '../core/invariant.ts';
import type { Gate } from '../judging/gate.ts';
import type { Method } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { tokenMethod } from './token-routing.ts';

/** The entropy, in nats, of the small model's own distribution. */
export const entropyGate: Gate = {
  name: 'entropy',
  reads: { uncertainty: true },
  deferralSide: 'above',
  score: (row) => required(row.entropy, 'the row program computes the entropy'),
};

export const entropyMethod: Method = tokenMethod(entropyGate, {
  summary: "token routing by the small model's entropy",
  threshold: {
    name: 'entropy',
    default: 1,
    meaning: 'the large model writes tokens whose entropy, in nats, exceeds it',
  },
  style: solidLine(HUES.blue, 'circle'),
});
