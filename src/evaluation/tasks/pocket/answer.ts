/** The answer of a pocket problem, as it is written and as it is read. */
import type { PocketProblem } from './problem.ts';

export const STEP_SEPARATOR = '\n\n';

/** As a model should write it: the steps, then the final line. */
export function workedAnswer({ steps, answer }: PocketProblem): string {
  return [...steps, `The answer is ${answer}.`].join(STEP_SEPARATOR);
}

const FINAL_LINE = /(?:^|\n)The answer is (\d{1,9})\.\s*$/;

/** @returns the number in the final line, or null where there is no such line or more comes after it */
export function finalAnswer(text: string): number | null {
  const found = FINAL_LINE.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** Exact: the right number in the final line; how it came about does not count. */
export function isRight(problem: Pick<PocketProblem, 'answer'>, text: string): boolean {
  return finalAnswer(text) === problem.answer;
}
