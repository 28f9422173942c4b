/** Grades the answers of any engine, line by line: the work behind `pilotfish grade`. */
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { abortError, PilotfishError, throwIfAborted } from '../core/errors.ts';
import { parseExactJson } from '../core/parse-json.ts';
import { flawOf, grade } from '../evaluation/graders/grade.ts';
import { fileError } from '../storage/file-error.ts';
import { splitLines } from '../storage/split-lines.ts';
import { GRADE_LINE_BYTES_MAX, type GradeKind } from './grading/grade-limits.ts';

export interface GradeLinesOptions {
  readonly kind: GradeKind;
  /**
   * Lines of JSON in UTF-8, `{"answer", "gold", "choices"?}`: the path of a file, or a stream. The
   * answer is a model's whole output; the choices are the texts of A, B, C, … where `kind` is
   * `choice`. Other fields are ignored.
   */
  readonly input: string | NodeJS.ReadableStream;
  readonly signal?: AbortSignal | undefined;
}

export interface GradedLine {
  readonly right: boolean;
  /** The text, or the letter of the option, that was read as the answer; null: none was found. */
  readonly read: string | null;
  /** How it was read, for people: `the last box`, `the claim "The answer is 7"`. */
  readonly why: string;
}

const TEXT = z.union([z.string().min(1), z.number().finite()]).transform(String);
const LINE = z.object({
  answer: z.string(),
  gold: TEXT,
  choices: z.array(TEXT).optional(),
});

/**
 * Grades line by line, in order, as the lines come in. The rules are those of docs/GRADERS.md.
 *
 * @throws PilotfishError `data-invalid` with the number of the line, after the grades of all lines
 *   before it; `file-system-failed`, `aborted`
 *
 * @example
 * const input = Readable.from(['{"answer": "So 3 + 4 = 7.", "gold": 7}\n']);
 * for await (const { right, read } of gradeLines({ kind: 'number', input })) {
 *   console.log({ right, read });
 * }
 */
export async function* gradeLines(options: GradeLinesOptions): AsyncGenerator<GradedLine, void> {
  const { kind, input, signal } = options;
  throwIfAborted(signal);
  const isPath = typeof input === 'string';
  const place = isPath ? input : 'The input';
  const stream = isPath ? createReadStream(input) : input;
  // Ends a wait for a writer that never comes.
  const stop = (): void => {
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
  };
  signal?.addEventListener('abort', stop, { once: true });
  let number = 1;
  let emptyLine: number | null = null;
  try {
    const tooLong = (): PilotfishError => {
      return invalidLine(place, number, `has more than ${GRADE_LINE_BYTES_MAX / 2 ** 20} MiB`);
    };
    for await (const { bytes } of splitLines(stream, GRADE_LINE_BYTES_MAX, tooLong)) {
      throwIfAborted(signal);
      const refuse = (line: number, problem: string): never => {
        throw invalidLine(place, line, problem);
      };
      if (bytes.toString('latin1').trim() === '') emptyLine ??= number;
      else if (emptyLine !== null) refuse(emptyLine, 'is empty');
      else yield graded(bytes, kind, (problem) => refuse(number, problem));
      number += 1;
    }
    throwIfAborted(signal);
  } catch (error) {
    if (signal?.aborted === true) throw abortError(signal);
    throw isPath ? fileError(error, { action: 'read', path: input }) : error;
  } finally {
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

function graded(bytes: Buffer, kind: GradeKind, refuse: (problem: string) => never): GradedLine {
  const parsed = LINE.safeParse(
    parseExactJson(textOf(bytes, refuse), (cause) => refuse(`is not JSON (${String(cause)})`)),
  );
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => {
      return path.length === 0 ? message : `${path.join('.')}: ${message}`;
    });
    return refuse(problems.join('; '));
  }
  const { answer, gold, choices } = parsed.data;
  const question = {
    kind,
    answer: gold,
    ...(kind === 'choice' && { options: choices ?? [] }),
  };
  const flaw = flawOf(question);
  if (flaw !== null) refuse(`the gold ${JSON.stringify(gold)} of the kind ${kind} ${flaw}`);
  const { isRight, extracted, why } = grade(answer, question);
  return { right: isRight, read: extracted, why };
}

function textOf(bytes: Buffer, refuse: (problem: string) => never): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refuse('is not text in UTF-8');
  }
}

function invalidLine(place: string, line: number, problem: string): PilotfishError {
  return new PilotfishError('data-invalid', `${place}, line ${line}: ${problem}.`, {
    remedy: 'Correct the line: {"answer": "…", "gold": "…"}, with "choices": ["…"] for choices.',
    fields: { path: place, place: `line ${line}`, problem },
  });
}
