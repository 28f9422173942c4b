/** What each point made of each question: right or wrong, and at what cost. */

import { foldRunCost } from '../../accounting/run-cost.ts';
import type { ModelRole, RunCost, StartEvent, TokenEvent, WorkEvent } from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { ForwardCosts } from '../../machines/forward-costs.ts';
import { predictRun } from '../../machines/predict-run.ts';
import { grade } from '../graders/grade.ts';
import type { Grade, Question } from '../question.ts';
import { type AnswerRecord, answerText, eventsOf } from './answer-record.ts';
import type { AnswerStore } from './answer-store.ts';
import type { EvaluatedModel } from './evaluation-pair.ts';
import { infoOf } from './evaluation-plan.ts';
import { type EvaluationPoint, strategyText } from './evaluation-point.ts';

/** An answer without its text. */
export interface AnswerRun {
  readonly question: Question;
  readonly grade: Grade;
  readonly cost: RunCost;
  /** By machine profile: predicted milliseconds, the run alone on the machine. */
  readonly timesMs: Readonly<Record<string, number>>;
}

/** Costs of both models' forwards on some machine. */
export interface TimeProfile {
  readonly name: string;
  readonly costs: Readonly<Record<ModelRole, ForwardCosts>>;
  /** To the large model; 0 for a local one. */
  readonly roundTripMs: number;
}

/** What costs of an answer depend on besides its record. */
export interface RunFacts {
  readonly models: Readonly<Record<ModelRole, EvaluatedModel>>;
  readonly maxTokens: number;
  readonly contextLength: number;
  readonly profiles: readonly TimeProfile[];
}

/** One for each question. All of them were answered under the point. */
export function runsOf(
  point: EvaluationPoint,
  questions: readonly Question[],
  store: AnswerStore,
  facts: RunFacts,
): readonly AnswerRun[] {
  return questions.map((question) => {
    const record = required(store.get(point, question), 'the question was answered');
    const start = startOf(record, facts);
    const events = [...eventsOf(record)];
    const timesMs = facts.profiles.map((profile) => [
      profile.name,
      predictedMs(record.strategy, { start, events }, profile),
    ]);
    return {
      question,
      grade: grade(answerText(record), question),
      cost: foldRunCost(start, events),
      timesMs: Object.fromEntries(timesMs),
    };
  });
}

function predictedMs(
  strategy: string,
  {
    start,
    events,
  }: { readonly start: StartEvent; readonly events: readonly (TokenEvent | WorkEvent)[] },
  { costs, roundTripMs }: TimeProfile,
): number {
  const [costModel] = infoOf(strategy).costModels;
  const readsUncertainty = required(costModel, 'every strategy has one').readsUncertainty;
  const run = { name: null, start, events, summary: null };
  return predictRun(run, costs, { roundTripMs, readsUncertainty }).ms;
}

/** As the run itself began. */
export function startOf(record: AnswerRecord, facts: RunFacts): StartEvent {
  const { models, maxTokens, contextLength } = facts;
  const both = <T>(pick: (model: EvaluatedModel) => T): Record<ModelRole, T> => ({
    small: pick(models.small),
    large: pick(models.large),
  });
  return {
    type: 'start',
    models: both(({ name }) => name),
    parameterCounts: both(({ parameterCounts }) => parameterCounts),
    weightBytes: both(({ weightBytes }) => weightBytes),
    kvBytesPerToken: both(({ kvBytesPerToken }) => kvBytesPerToken),
    strategy: strategyText(record),
    thresholds: {},
    sampling: GREEDY,
    seed: record.seed,
    promptTokenCount: record.promptTokenCount,
    prefillChunkRowCount: models.large.rowCountMax,
    maxTokens,
    contextLength,
  };
}
