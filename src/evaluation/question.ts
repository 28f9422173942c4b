/** What a task asks, and how answers to it are judged. */
import { createHash } from 'node:crypto';
import type { ChatMessage } from '../core/chat-message.ts';

/**
 * What the right answer is, and so how a model's is read: a number (graders/number.ts), LaTeX
 * (graders/latex.ts), one of several options (graders/choice.ts), a short text, or the pocket task's
 * final line.
 */
export type AnswerKind = 'number' | 'latex' | 'choice' | 'text' | 'pocket';

export interface Question {
  /** Unique within its task and the same in every run, as in `gsm8k/test/17`. */
  readonly id: string;
  /** The question as its source tells it; duplicates and overlaps are found by it. */
  readonly text: string;
  /** What the models are asked: the question in the task's prompt. */
  readonly messages: readonly ChatMessage[];
  readonly answer: string;
  readonly kind: AnswerKind;
  /** Texts of the options A, B, C, … of a choice. */
  readonly options?: readonly string[];
}

export interface Grade {
  readonly isRight: boolean;
  /** What was taken for the answer; null where none was found. */
  readonly extracted: string | null;
}

const HASH_DIGITS = 16;

/** Of what the models are asked and what is right: equal for equal questions under any name. */
export function questionHash({ messages, answer, kind, options }: Question): string {
  const content = JSON.stringify([messages, answer, kind, options ?? null]);
  return createHash('sha256').update(content).digest('hex').slice(0, HASH_DIGITS);
}
