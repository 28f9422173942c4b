/** Grades pocket answers: the right number in an exact final line, and nothing after it. */
import type { Grade } from '../question.ts';
import { finalAnswer } from '../tasks/pocket/answer.ts';
import { wrong } from './final-answer.ts';

export function gradePocket(output: string, answer: string): Grade {
  const found = finalAnswer(output);
  if (found === null) return wrong('the last line is not "The answer is N."');
  return { isRight: found === Number(answer), extracted: String(found), why: 'the last line' };
}
