/**
 * A path through a question, token by token, from which labels are made: the large model's own answer, a
 * drawn answer of it, the answer of a router's policy, or a reference by another author.
 */
import { createHash } from 'node:crypto';
import type { TokenId } from '../core/token-id.ts';
import { type Question, questionHash } from '../evaluation/question.ts';

export type TrajectorySource = 'large' | 'sampled' | 'mixed' | 'reference';

export interface Trajectory {
  readonly question: Question;
  readonly source: TrajectorySource;
  readonly prompt: readonly TokenId[];
  /** The answer. It includes the end-of-generation token if the answer ended by itself. */
  readonly tokens: readonly TokenId[];
  /** The value of the answer: 1 right, 0 wrong. */
  readonly value: number;
}

const KEY_DIGITS = 20;

/**
 * Names a trajectory by its content. The same question, prompt and tokens have the same key, regardless
 * of their writer.
 */
export function trajectoryKey({ question, prompt, tokens }: Trajectory): string {
  const content = JSON.stringify([questionHash(question), prompt, tokens]);
  return createHash('sha256').update(content).digest('hex').slice(0, KEY_DIGITS);
}
