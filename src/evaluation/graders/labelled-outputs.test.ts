/**
 * Compares the graders with people: outputs of real models and typical ones that are made up, each
 * labelled right or wrong by a person before a grader saw it. One row per line: `{kind, answer,
 * options?, output, isRight, isNone?, limit?, source}`. `source` names the model and the question;
 * `isNone` says that no answer may be read; `limit` says why the graders fail on this row, so that
 * the list of known failures stays true.
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
  isNone: z.literal(true).optional(),
  limit: z.string().optional(),
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
  expect(rows.filter(({ isRight }) => isRight).length).toBeGreaterThan(150);
  expect(rows.filter(({ isRight }) => !isRight).length).toBeGreaterThan(150);
  const keys = rows.map(
    ({ kind, source, answer, output }) => `${kind}\n${source}\n${answer}\n${output}`,
  );
  expect(new Set(keys).size).toBe(rows.length);
});

/** The rows on which a grader and the label differ, as sentences. */
function disagreements(labelled: readonly (typeof rows)[number][]): readonly string[] {
  return labelled.flatMap((row) => {
    const { isRight, extracted } = grade(row.output, row);
    const isRead = row.isNone === true && extracted !== null;
    if (isRight === row.isRight && !isRead && flawOf(row) === null) return [];
    return [`${row.source}: took ${extracted} for ${row.answer} in ${row.output.slice(-100)}`];
  });
}

it('the graders agree with every label', () => {
  expect(disagreements(rows.filter(({ limit }) => limit === undefined))).toEqual([]);
});

it('the known failures still fail', () => {
  const known = rows.filter(({ limit }) => limit !== undefined);
  expect(disagreements(known)).toHaveLength(known.length);
});
