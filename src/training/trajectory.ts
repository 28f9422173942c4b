/**
 * A way through a question, token by token: what labels are made along. The large model's own answer,
 * one that it drew, one that a router's policy wrote, or a reference that somebody else did.
 */
import { createHash } from 'node:crypto';
import type { TokenId } from '../core/token-id.ts';
import { type Question, questionHash } from '../evaluation/question.ts';

export type TrajectorySource = 'large' | 'sampled' | 'mixed' | 'reference';

export interface Trajectory {
  readonly question: Question;
  readonly source: TrajectorySource;
  readonly prompt: readonly TokenId[];
  /** The answer, its end-of-generation token included where it ended by itself. */
  readonly tokens: readonly TokenId[];
  /** What its answer is worth: 1 right, 0 wrong. */
  readonly value: number;
}

const KEY_DIGITS = 20;

/** By content: the same question, prompt and tokens have the same key, whoever wrote them. */
export function trajectoryKey({ question, prompt, tokens }: Trajectory): string {
  const content = JSON.stringify([questionHash(question), prompt, tokens]);
  return createHash('sha256').update(content).digest('hex').slice(0, KEY_DIGITS);
}
