/** Prompts of a question file in the format of MT-Bench and Spec-Bench, and samples of them. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { seededDraws } from '../../src/core/draws.ts';
import { pocketProblem } from '../../src/evaluation/tasks/pocket/problem.ts';

const LINE = z.object({
  question_id: z.union([z.int(), z.string()]),
  category: z.string(),
  turns: z.array(z.string()).min(1),
});

export interface Question {
  readonly id: string;
  readonly category: string;
  /** The first turn. */
  readonly text: string;
}

/** @param path one JSON object a line */
export function readQuestions(path: string): Question[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const { question_id: id, category, turns } = LINE.parse(JSON.parse(line));
    return { id: String(id), category, text: turns[0] ?? '' };
  });
}

const POCKET_SEED = 31;

/** Questions that the pocket models can answer, by the number of operations. */
export function pocketQuestions(count: number): Question[] {
  return [2, 3, 4].flatMap((operations) =>
    Array.from({ length: count }, (_, index) => {
      const options = { operationCountMin: operations, operationCountMax: operations };
      const problem = pocketProblem({ split: 'test', seed: POCKET_SEED, ...options }, index);
      const category = `${operations} operations`;
      return { id: `${operations}-${index}`, category, text: problem.question };
    }),
  );
}

/**
 * Up to `perCategory` questions of each category, drawn by seed, with the categories in turn: a run that
 * is stopped early has seen all of them.
 */
export function stratifiedSample(
  questions: readonly Question[],
  perCategory: number,
  seed: number,
): Question[] {
  const draws = seededDraws(seed);
  const byCategory = new Map<string, { question: Question; key: number }[]>();
  for (const [index, question] of questions.entries()) {
    const group = byCategory.get(question.category) ?? [];
    group.push({ question, key: draws.uniform(index, 'coin') });
    byCategory.set(question.category, group);
  }
  const groups = [...byCategory.values()].map((group) => group.sort((a, b) => a.key - b.key));
  const sample: Question[] = [];
  for (let rank = 0; rank < perCategory; rank += 1) {
    for (const group of groups) {
      const drawn = group[rank];
      if (drawn !== undefined) sample.push(drawn.question);
    }
  }
  return sample;
}
