/**
 * The answers of an evaluation: an interruption costs the wave at work and nothing else. What is
 * there already is not asked again.
 */
import { PilotfishError } from '../../core/errors.ts';
import { appendLines, linesOf } from '../../storage/json-lines.ts';
import { type Question, questionHash } from '../question.ts';
import { type AnswerRecord, checkLine, recordLine, recordOfLine } from './answer-record.ts';
import { type EvaluationPoint, namedPoint, pointKey } from './evaluation-point.ts';
import type { ModelCodes } from './manifest.ts';

/** A record as its line: a large evaluation has millions of tokens, each of which is several values. */
interface KeptAnswer {
  readonly asked: string;
  readonly line: Buffer;
}

export class AnswerStore {
  readonly #path: string;
  readonly #codes: ModelCodes;
  readonly #answers = new Map<string, Map<string, KeptAnswer>>();

  private constructor(path: string, codes: ModelCodes) {
    this.#path = path;
    this.#codes = codes;
  }

  /**
   * @param codes of the folder's models, which lines name by their codes
   * @throws PilotfishError `evaluation-invalid`, naming the line; `file-system-failed`
   */
  static async open(path: string, codes: ModelCodes): Promise<AnswerStore> {
    const store = new AnswerStore(path, codes);
    let lineCount = 0;
    for await (const line of linesOf(path)) {
      lineCount += 1;
      const answer = checkLine(line, codes);
      if (typeof answer === 'string') throw invalid(path, lineCount, answer);
      store.#keep(answer, line);
    }
    return store;
  }

  /**
   * @returns null where it was not answered yet
   * @throws PilotfishError `evaluation-invalid` if something else was asked under the same name
   */
  get(point: EvaluationPoint, question: Question): AnswerRecord | null {
    const kept = this.#kept(point, question);
    return kept === null ? null : recordOfLine(kept.line.toString('utf8'), this.#codes);
  }

  /** The same without the answer. @throws as `get` */
  has(point: EvaluationPoint, question: Question): boolean {
    return this.#kept(point, question) !== null;
  }

  /** On disk when it returns. */
  async add(records: readonly AnswerRecord[]): Promise<void> {
    const lines = records.map((record) => recordLine(record, this.#codes));
    await appendLines(this.#path, lines);
    for (const line of lines) this.#keep(line, JSON.stringify(line));
  }

  #kept(point: EvaluationPoint, question: Question): KeptAnswer | null {
    const kept = this.#answers.get(pointKey(namedPoint(point)))?.get(question.id) ?? null;
    if (kept === null || kept.asked === questionHash(question)) return kept;
    throw new PilotfishError(
      'evaluation-invalid',
      `${this.#path} has an answer to another question named ${question.id}.`,
      {
        remedy: 'The task or its prompt has changed: choose another folder with --out.',
        fields: { path: this.#path, question: question.id },
      },
    );
  }

  #keep({ asked, question, ...point }: Omit<AnswerRecord, 'work'>, line: string): void {
    const key = pointKey(point);
    const ofPoint = this.#answers.get(key) ?? new Map<string, KeptAnswer>();
    ofPoint.set(question, { asked, line: Buffer.from(line) });
    this.#answers.set(key, ofPoint);
  }
}

function invalid(path: string, line: number, why: string): PilotfishError {
  return new PilotfishError('evaluation-invalid', `Line ${line} of ${path} is no answer: ${why}.`, {
    remedy: 'Delete the line: its question is asked again.',
    fields: { path, line },
  });
}
