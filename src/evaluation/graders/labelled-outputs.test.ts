/**
 * Compares the graders with people: outputs of real models, each labelled right or wrong by a
 * person. One row per line: `{kind, answer, options?, output, isRight, source}`, where `source`
 * names the model and the question.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { flawOf, grade } from './grade.ts';

const FILE = join(import.meta.dirname, '../../../test/evaluation/graders/labelled-outputs.jsonl');
const ROW = z.strictObject({
  kind: z.enum(['number', 'latex', 'choice', 'text', 'pocket']),
  answer: z.string(),
  options: z.array(z.string()).optional(),
  output: z.string(),
  isRight: z.boolean(),
  source: z.string().min(1),
});

const rows = readFileSync(FILE, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => {
    const { options, ...row } = ROW.parse(JSON.parse(line));
    return { ...row, ...(options !== undefined && { options }) };
  });

it('there are right and wrong outputs, each once', () => {
  expect(rows.filter(({ isRight }) => isRight).length).toBeGreaterThan(5);
  expect(rows.filter(({ isRight }) => !isRight).length).toBeGreaterThan(5);
  const keys = rows.map(({ kind, source, output }) => `${kind}\n${source}\n${output}`);
  expect(new Set(keys).size).toBe(rows.length);
});

it('the graders agree with every label', () => {
  const wrong = rows.flatMap((row, index) => {
    const { isRight, extracted } = grade(row.output, row);
    const isAgreed = isRight === row.isRight && flawOf(row) === null;
    return isAgreed
      ? []
      : [`line ${index + 1}, ${row.source}: took ${extracted} for ${row.answer}`];
  });
  expect(wrong).toEqual([]);
});
