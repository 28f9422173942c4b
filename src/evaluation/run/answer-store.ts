/**
 * The answers of an evaluation. An interruption costs only the current wave: questions with an
 * answer are not asked again.
 */
import { PilotfishError } from '../../core/errors.ts';
import { RecordStore } from '../../storage/record-store.ts';
import { type Question, questionHash } from '../question.ts';
import {
  type AnswerLine,
  type AnswerRecord,
  checkLine,
  recordLine,
  recordOfLine,
} from './answer-record.ts';
import { type EvaluationPoint, type NamedPoint, namedPoint, pointKey } from './evaluation-point.ts';
import type { ModelCodes } from './manifest.ts';

type AnswerKey = NamedPoint & Pick<AnswerRecord, 'question'>;

export class AnswerStore {
  readonly #path: string;
  readonly #codes: ModelCodes;
  readonly #lines: RecordStore<AnswerLine, AnswerKey>;
  /** The `questionHash` of each question, by its name. */
  readonly #asked = new Map<string, string>();

  private constructor(path: string, codes: ModelCodes, lines: RecordStore<AnswerLine, AnswerKey>) {
    this.#path = path;
    this.#codes = codes;
    this.#lines = lines;
  }

  /**
   * @param codes the codes by which lines name the folder's models
   * @throws PilotfishError `evaluation-invalid`, naming the line; `file-system-failed`
   */
  static async open(path: string, codes: ModelCodes): Promise<AnswerStore> {
    const lines = await RecordStore.open<AnswerLine, AnswerKey>(path, {
      noun: 'answer',
      read: (line) => checkLine(line, codes),
      keyOf: (key) => `${pointKey(key)} ${key.question}`,
      code: 'evaluation-invalid',
      remedy: 'Delete the line: its question is asked again.',
      // A large evaluation has millions of tokens with several values each.
      memory: 'texts',
    });
    return new AnswerStore(path, codes, lines);
  }

  /**
   * @returns null if the question has no answer yet
   * @throws PilotfishError `evaluation-invalid` if the answer is to another question of this name
   */
  get(point: EvaluationPoint, question: Question): AnswerRecord | null {
    const line = this.#lines.get(keyOf(point, question));
    if (line === null) return null;
    this.#check(line.asked, question);
    return recordOfLine(line, this.#codes);
  }

  /** Whether the question has an answer. @throws as `get` */
  has(point: EvaluationPoint, question: Question): boolean {
    if (!this.#lines.has(keyOf(point, question))) return false;
    const asked = this.#asked.get(question.id);
    if (asked === undefined) this.get(point, question);
    else this.#check(asked, question);
    return true;
  }

  /** The records are on disk when it returns. */
  async add(records: readonly AnswerRecord[]): Promise<void> {
    await this.#lines.add(...records.map((record) => recordLine(record, this.#codes)));
  }

  #check(asked: string, question: Question): void {
    this.#asked.set(question.id, asked);
    if (asked === questionHash(question)) return;
    throw new PilotfishError(
      'evaluation-invalid',
      `${this.#path} has an answer to another question named ${question.id}.`,
      {
        remedy: 'The task or its prompt has changed: choose another folder with --out.',
        fields: { path: this.#path, question: question.id },
      },
    );
  }
}

function keyOf(point: EvaluationPoint, { id }: Question): AnswerKey {
  return { ...namedPoint(point), question: id };
}
