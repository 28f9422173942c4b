/** The runs of each point: the grade and the cost of each question. */

import { foldRunCost } from '../../accounting/run-cost.ts';
import type { RecordedRun } from '../../accounting/run-log.ts';
import {
  LOG_VERSION,
  type ModelCostFacts,
  type RunCost,
  type StartEvent,
} from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import type { ModelsById } from '../../core/model-id.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { type CostsById, predictRun } from '../../machines/predict-run.ts';
import { type Method, readsLogits } from '../../strategy/method.ts';
import { grade } from '../graders/grade.ts';
import type { Grade, Question } from '../question.ts';
import { type AnswerRecord, answerText, eventsOf } from './answer-record.ts';
import type { AnswerStore } from './answer-store.ts';
import type { EvaluatedModel } from './evaluation-pair.ts';
import { type EvaluationPoint, type NamedPoint, strategyText } from './evaluation-point.ts';

/** An answer without its text. */
export interface AnswerRun {
  readonly question: Question;
  readonly grade: Grade;
  readonly cost: RunCost;
  /** Predicted milliseconds by machine profile, for a run alone on the machine. */
  readonly timesMs: Readonly<Record<string, number>>;
}

/** Costs of the models' forwards on one machine. */
export interface TimeProfile {
  readonly name: string;
  readonly costs: CostsById;
  /** The wait for an answer of the large model; 0 for a local one. */
  readonly roundTripMs: number;
}

/** The facts that an answer's costs depend on besides its record. */
export interface RunFacts extends ModelsById<EvaluatedModel> {
  readonly maxTokens: number;
  readonly contextLength: number;
  readonly profiles: readonly TimeProfile[];
}

/** The runs of a point, one for each question. The store has all their answers. */
export function runsOf(
  point: EvaluationPoint,
  questions: readonly Question[],
  store: AnswerStore,
  facts: RunFacts,
): readonly AnswerRun[] {
  return questions.map((question) => {
    const record = required(store.get(point, question), 'the question was answered');
    const start = startOf(record, facts, point.method);
    const run = { start, events: [...eventsOf(record)] };
    const timesMs = facts.profiles.map((profile) => [
      profile.name,
      predictedMs(point.method, run, profile),
    ]);
    return {
      question,
      grade: grade(answerText(record), question),
      cost: foldRunCost(run.start, run.events),
      timesMs: Object.fromEntries(timesMs),
    };
  });
}

function predictedMs(
  method: Method,
  run: Pick<RecordedRun, 'start' | 'events'>,
  { costs, roundTripMs }: TimeProfile,
): number {
  const whole = { name: null, ...run, summary: null };
  const readings = { roundTripMs, readsLogits: readsLogits(method) };
  return predictRun(whole, costs, readings).ms;
}

/** The start event of the recorded run, without its thresholds and prices. */
export function startOf(
  record: NamedPoint & Pick<AnswerRecord, 'promptTokenCount'>,
  facts: RunFacts,
  { unit }: Pick<Method, 'unit'>,
): StartEvent {
  const { models, labels, maxTokens, contextLength } = facts;
  return {
    type: 'start',
    version: LOG_VERSION,
    models: Object.fromEntries(
      Object.entries(models).map(([id, model]) => [id, costFactsOf(model)]),
    ),
    labels,
    strategy: strategyText(record),
    ...(unit === null ? {} : { unit }),
    thresholds: {},
    sampling: GREEDY,
    seed: record.seed,
    promptTokenCount: record.promptTokenCount,
    maxTokens,
    contextLength,
  };
}

function costFactsOf({ rowCountMax, digest: _, ...model }: EvaluatedModel): ModelCostFacts {
  return { ...model, prefillChunkRowCount: rowCountMax, prices: null };
}
