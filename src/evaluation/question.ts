/** A question of a task, and the grade of an answer. */
import { createHash } from 'node:crypto';
import type { ChatMessage } from '../core/chat-message.ts';

/**
 * The kind of the right answer, which decides how a model's answer is read: a number
 * (graders/number.ts), LaTeX (graders/latex.ts), one of several options (graders/choice.ts), a
 * short text, or the pocket task's final line.
 */
export type AnswerKind = 'number' | 'latex' | 'choice' | 'text' | 'pocket';

export interface Question {
  /** Unique within its task and the same in every run, as in `gsm8k/test/17`. */
  readonly id: string;
  /** The question in the words of its source; duplicates and overlaps are found by it. */
  readonly text: string;
  /** The messages to the models: the question in the task's prompt. */
  readonly messages: readonly ChatMessage[];
  readonly answer: string;
  readonly kind: AnswerKind;
  /** How hard the task itself says it is, as in `3 operations`. */
  readonly difficulty?: string;
  /** The texts of options A, B, C, … of a multiple-choice question. */
  readonly options?: readonly string[];
}

export interface Grade {
  readonly isRight: boolean;
  /** The text that was read as the answer; null where none was found. */
  readonly extracted: string | null;
  /** How it was read, for people: `the last box`, `no answer found`. */
  readonly why: string;
}

const HASH_DIGITS = 16;

/** A hash of the messages and the right answer: equal for equal questions under any name. */
export function questionHash({ messages, answer, kind, options }: Question): string {
  const content = JSON.stringify([messages, answer, kind, options ?? null]);
  return createHash('sha256').update(content).digest('hex').slice(0, HASH_DIGITS);
}
