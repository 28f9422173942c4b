/**
 * The compact record of one answer to one question: its tokens, the origin and score of each, and
 * its forwards. Costs, and times on other machines, are folded from it on request; grades follow
 * from the text.
 */
import { z } from 'zod';
import type { EngineEvent, Origin, StartEvent, TokenEvent, WorkEvent } from '../../core/events.ts';
import type { FinishReason } from '../../core/finish-reason.ts';
import { invariant, required } from '../../core/invariant.ts';
import { tokenId } from '../../core/token-id.ts';
import { recordReader } from '../../storage/record-store.ts';
import { type Question, questionHash } from '../question.ts';
import { type EvaluationPoint, type NamedPoint, namedPoint } from './evaluation-point.ts';
import type { ModelCodes } from './manifest.ts';
import {
  type RecordedWork,
  recordedWork,
  WORK_LINE,
  type WorkLine,
  workLine,
} from './work-record.ts';

export interface AnswerRecord extends NamedPoint {
  readonly question: string;
  /**
   * Hash of the question's content (see `questionHash`): the content of a named question may
   * change.
   */
  readonly asked: string;
  readonly promptTokenCount: number;
  readonly tokenIds: readonly number[];
  /** The text that each token released; joined they are the answer. */
  readonly texts: readonly string[];
  /** A letter for each token: `s` small, `l` large, `p` prompt lookup; capital where verified. */
  readonly origins: string;
  /**
   * The gate's score of each token, with six digits for token gates; null: no gate scored any
   * token.
   */
  readonly scores: readonly (number | null)[] | null;
  readonly finishReason: FinishReason;
  readonly work: readonly RecordedWork[];
}

/** A record in the JSON form of its line. */
export type AnswerLine = Omit<AnswerRecord, 'work'> & { readonly work: readonly WorkLine[] };

const LETTERS: Readonly<Record<Origin, string>> = { small: 's', large: 'l', 'prompt-lookup': 'p' };
const ORIGINS: Readonly<Record<string, Origin>> = { s: 'small', l: 'large', p: 'prompt-lookup' };
const SCORE_DIGITS = 6;

/** @param events of a run that ended */
export function recordOf(
  point: EvaluationPoint,
  question: Question,
  events: readonly EngineEvent[],
): AnswerRecord {
  const tokens = events.filter((event) => event.type === 'token');
  const start = required(events.find(isStart), 'a run starts');
  const end = events.at(-1);
  invariant(end?.type === 'summary', 'a run ends with its summary');
  // Thresholds of larger units are computed from these scores, so they keep all their digits.
  const { unit } = point.method;
  const isExact = unit === 'step' || unit === 'query';
  const scores = tokens.map(({ score }) => (isExact ? score : short(score)));
  return {
    question: question.id,
    asked: questionHash(question),
    ...namedPoint(point),
    promptTokenCount: start.promptTokenCount,
    tokenIds: tokens.map(({ tokenId }) => tokenId),
    texts: tokens.map(({ text }) => text),
    origins: tokens.map(({ origin, verified }) => letter(origin, verified)).join(''),
    scores: scores.every((score) => score === null) ? null : scores,
    finishReason: end.finishReason,
    work: workOf(events),
  };
}

function isStart(event: EngineEvent): event is StartEvent {
  return event.type === 'start';
}

function letter(origin: Origin, verified: boolean): string {
  return verified ? LETTERS[origin].toUpperCase() : LETTERS[origin];
}

function short(score: number | null): number | null {
  return score === null ? null : Number(score.toPrecision(SCORE_DIGITS));
}

function workOf(events: readonly EngineEvent[]): RecordedWork[] {
  const works: RecordedWork[] = [];
  let tokenCount = 0;
  for (const event of events) {
    if (event.type === 'token') tokenCount += 1;
    if (event.type !== 'work') continue;
    const { type: _, waitedMs: _1, computeMs: _2, ...work } = event;
    works.push({ tokenCount, ...work });
  }
  return works;
}

export function answerText({ texts }: Pick<AnswerRecord, 'texts'>): string {
  return texts.join('');
}

/** Tokens and work in the order in which they happened. A record holds no times: they are 0. */
export function* eventsOf(record: AnswerRecord): Generator<TokenEvent | WorkEvent> {
  const tokens = recordedTokens(record);
  let written = 0;
  for (const { tokenCount, ...work } of record.work) {
    yield* tokens.slice(written, tokenCount);
    written = tokenCount;
    yield { type: 'work', ...work, waitedMs: 0, computeMs: 0 };
  }
  yield* tokens.slice(written);
}

/** Every round begins with work, so the places of work tell where a round began. */
export function recordedTokens(record: AnswerRecord): readonly TokenEvent[] {
  const { tokenIds, texts, origins, scores, work } = record;
  const starts = new Set(work.map(({ tokenCount }) => tokenCount));
  let round = 0;
  return texts.map((text, index) => {
    const initial = origins.charAt(index);
    if (index > 0 && starts.has(index)) round += 1;
    return {
      type: 'token',
      index,
      tokenId: tokenId(required(tokenIds[index], 'a record has an id for every text')),
      text,
      origin: required(ORIGINS[initial.toLowerCase()], `${initial} is an origin`),
      verified: initial !== initial.toLowerCase(),
      proposedTokenId: null,
      score: scores?.[index] ?? null,
      logprob: null,
      round,
      elapsedMs: 0,
    };
  });
}

const COUNT = z.number().int().nonnegative();
const FINISH_REASONS = [
  'end-of-generation',
  'stop-string',
  'token-limit',
  'context-limit',
] as const;

const LINE: z.ZodType<AnswerLine> = z
  .object({
    question: z.string(),
    asked: z.string(),
    strategy: z.string(),
    threshold: z.number().nullable(),
    seed: z.number().int(),
    promptTokenCount: COUNT.min(1),
    tokenIds: z.array(COUNT),
    texts: z.array(z.string()),
    origins: z.string().regex(/^[slp]*$/i),
    scores: z.array(z.number().nullable()).nullable(),
    finishReason: z.enum(FINISH_REASONS),
    work: z.array(WORK_LINE),
  })
  .refine(({ tokenIds, texts, origins, scores }) => {
    const { length } = tokenIds;
    return [texts, origins, scores ?? texts].every((all) => all.length === length);
  }, 'its tokens, texts, origins and scores are not equally many')
  .refine(({ tokenIds, work }) => {
    const places = [0, ...work.map(([tokenCount]) => tokenCount), tokenIds.length];
    return places.every((place, index) => place >= (places[index - 1] ?? 0));
  }, 'its work is not in the order of its tokens');

/** @throws InvariantError for a model without a code */
export function recordLine(record: AnswerRecord, codes: ModelCodes): AnswerLine {
  return { ...record, work: record.work.map((work) => workLine(work, codes)) };
}

/**
 * The record of a line that `checkLine` accepted.
 * @throws InvariantError for a code without a model
 */
export function recordOfLine(answer: AnswerLine, codes: ModelCodes): AnswerRecord {
  return { ...answer, work: answer.work.map((work) => recordedWork(work, codes)) };
}

const readLine = recordReader(LINE);

/** @returns the answer of a line, or the reason why the line is invalid */
export function checkLine(line: string, codes: ModelCodes): AnswerLine | string {
  const answer = readLine(line);
  if (typeof answer === 'string') return answer;
  const { work } = answer;
  const unknown = work.findIndex(([, code]) => codes.idOf(code) === null);
  if (unknown < 0) return answer;
  return `work.${unknown}.1: the folder has no model ${JSON.stringify(work[unknown]?.[1])}`;
}
