/**
 * The answers of an evaluation: an interruption costs the wave at work and nothing else. What is
 * there already is not asked again.
 */
import { PilotfishError } from '../../core/errors.ts';
import { appendLines, linesOf } from '../growing-file.ts';
import { type Question, questionHash } from '../question.ts';
import { type AnswerRecord, parseRecord } from './answer-record.ts';
import { type EvaluationPoint, pointKey } from './evaluation-point.ts';

export class AnswerStore {
  readonly #path: string;
  readonly #answers = new Map<string, Map<string, AnswerRecord>>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** @throws PilotfishError `evaluation-invalid`, naming the line; `file-system-failed` */
  static async open(path: string): Promise<AnswerStore> {
    const store = new AnswerStore(path);
    let lineCount = 0;
    for await (const line of linesOf(path)) {
      lineCount += 1;
      const record = parseRecord(line);
      if (typeof record === 'string') throw invalid(path, lineCount, record);
      store.#keep(record);
    }
    return store;
  }

  /**
   * @returns null where it was not answered yet
   * @throws PilotfishError `evaluation-invalid` if something else was asked under the same name
   */
  get(point: EvaluationPoint, question: Question): AnswerRecord | null {
    const record = this.#answers.get(pointKey(point))?.get(question.id) ?? null;
    if (record === null || record.asked === questionHash(question)) return record;
    throw new PilotfishError(
      'evaluation-invalid',
      `${this.#path} has an answer to another question named ${question.id}.`,
      {
        remedy: 'The task or its prompt has changed: choose another folder with --out.',
        fields: { path: this.#path, question: question.id },
      },
    );
  }

  /** On disk when it returns. */
  async add(records: readonly AnswerRecord[]): Promise<void> {
    await appendLines(this.#path, records);
    for (const record of records) this.#keep(record);
  }

  #keep(record: AnswerRecord): void {
    const key = pointKey(record);
    const ofPoint = this.#answers.get(key) ?? new Map<string, AnswerRecord>();
    ofPoint.set(record.question, record);
    this.#answers.set(key, ofPoint);
  }
}

function invalid(path: string, line: number, why: string): PilotfishError {
  return new PilotfishError('evaluation-invalid', `Line ${line} of ${path} is no answer: ${why}.`, {
    remedy: 'Delete the line: its question is asked again.',
    fields: { path, line },
  });
}
