/**
 * The answers of an evaluation: an interruption costs the wave at work and nothing else. What is
 * there already is not asked again.
 */
import { PilotfishError } from '../../core/errors.ts';
import { appendLines, linesOf } from '../../storage/json-lines.ts';
import { type Question, questionHash } from '../question.ts';
import { type AnswerRecord, parseRecord } from './answer-record.ts';
import { type EvaluationPoint, pointKey } from './evaluation-point.ts';

/** A record as its line: a large evaluation has millions of tokens, each of which is several values. */
interface KeptAnswer {
  readonly asked: string;
  readonly line: Buffer;
}

export class AnswerStore {
  readonly #path: string;
  readonly #answers = new Map<string, Map<string, KeptAnswer>>();

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
      store.#keep(record, line);
    }
    return store;
  }

  /**
   * @returns null where it was not answered yet
   * @throws PilotfishError `evaluation-invalid` if something else was asked under the same name
   */
  get(point: EvaluationPoint, question: Question): AnswerRecord | null {
    const kept = this.#kept(point, question);
    // It was checked when it came in.
    return kept === null ? null : (JSON.parse(kept.line.toString('utf8')) as AnswerRecord);
  }

  /** The same without the answer. @throws as `get` */
  has(point: EvaluationPoint, question: Question): boolean {
    return this.#kept(point, question) !== null;
  }

  /** On disk when it returns. */
  async add(records: readonly AnswerRecord[]): Promise<void> {
    await appendLines(this.#path, records);
    for (const record of records) this.#keep(record, JSON.stringify(record));
  }

  #kept(point: EvaluationPoint, question: Question): KeptAnswer | null {
    const kept = this.#answers.get(pointKey(point))?.get(question.id) ?? null;
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

  #keep({ asked, question, ...point }: AnswerRecord, line: string): void {
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
