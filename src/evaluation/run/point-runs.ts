/** What each point made of each question: right or wrong, and at what cost. */
import type { ModelRole, RunCost, StartEvent } from '../../core/events.ts';
import { present } from '../../core/invariant.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { foldRunCost } from '../../cost/run-cost.ts';
import { grade } from '../graders/grade.ts';
import type { Grade, Question } from '../question.ts';
import { type AnswerRecord, answerText, eventsOf } from './answer-record.ts';
import type { AnswerStore } from './answer-store.ts';
import type { EvaluatedModel } from './evaluation-pair.ts';
import { type EvaluationPoint, strategyText } from './evaluation-point.ts';

export interface AnswerRun {
  readonly question: Question;
  readonly record: AnswerRecord;
  readonly grade: Grade;
  readonly cost: RunCost;
}

/** What costs of an answer depend on besides its record. */
export interface RunFacts {
  readonly models: Readonly<Record<ModelRole, EvaluatedModel>>;
  readonly maxTokens: number;
  readonly contextLength: number;
}

/** One for each question. All of them were answered under the point. */
export function runsOf(
  point: EvaluationPoint,
  questions: readonly Question[],
  store: AnswerStore,
  facts: RunFacts,
): readonly AnswerRun[] {
  return questions.map((question) => {
    const record = present(store.get(point, question), 'the question was answered');
    const cost = foldRunCost(startOf(record, facts), eventsOf(record));
    return { question, record, grade: grade(answerText(record), question), cost };
  });
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
