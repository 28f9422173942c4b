/** The written form of a pocket problem's answer, and how it is read. */
import type { PocketProblem } from './problem.ts';

export const STEP_SEPARATOR = '\n\n';

/** The expected form: the steps, then the final line. */
export function workedAnswer({ steps, answer }: PocketProblem): string {
  return [...steps, `The answer is ${answer}.`].join(STEP_SEPARATOR);
}

const FINAL_LINE = /(?:^|\n)The answer is (\d{1,9})\.\s*$/;

/** @returns the number in the final line, or null if there is no such line or text follows it */
export function finalAnswer(text: string): number | null {
  const found = FINAL_LINE.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** Only the number in the final line counts, not the steps. */
export function isRight(problem: Pick<PocketProblem, 'answer'>, text: string): boolean {
  return finalAnswer(text) === problem.answer;
}
