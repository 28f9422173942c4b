/** What each point made of each question: right or wrong, and at what cost. */

import { foldRunCost } from '../../accounting/run-cost.ts';
import type { RecordedRun } from '../../accounting/run-log.ts';
import {
  LOG_VERSION,
  type ModelCostFacts,
  type ModelRole,
  type RunCost,
  type StartEvent,
} from '../../core/events.ts';
import { required } from '../../core/invariant.ts';
import { modelsById, type PairLabels } from '../../core/model-id.ts';
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
    const { labels, ...start } = startOf(record, facts);
    const events = [...eventsOf(record, labels)];
    const run = { start: { ...start, labels }, events };
    const timesMs = facts.profiles.map((profile) => [
      profile.name,
      predictedMs(record.strategy, run, profile),
    ]);
    return {
      question,
      grade: grade(answerText(record), question),
      cost: foldRunCost(run.start, events),
      timesMs: Object.fromEntries(timesMs),
    };
  });
}

function predictedMs(
  strategy: string,
  run: Pick<RecordedRun, 'start' | 'events'>,
  { costs, roundTripMs }: TimeProfile,
): number {
  const [costModel] = infoOf(strategy).costModels;
  const readsUncertainty = required(costModel, 'every strategy has one').readsUncertainty;
  const { small, large } = run.start.labels;
  const byId = new Map([
    [required(small, 'a pair has a small model'), costs.small],
    [required(large, 'a pair has a large model'), costs.large],
  ]);
  const whole = { name: null, ...run, summary: null };
  return predictRun(whole, byId, { roundTripMs, readsUncertainty }).ms;
}

/** As the run itself began. */
export function startOf(
  record: AnswerRecord,
  facts: RunFacts,
): StartEvent & { readonly labels: PairLabels } {
  const { models, maxTokens, contextLength } = facts;
  const costFacts = ({ rowCountMax, digest: _, ...model }: EvaluatedModel): ModelCostFacts => {
    return { ...model, prefillChunkRowCount: rowCountMax, prices: null };
  };
  return {
    type: 'start',
    version: LOG_VERSION,
    ...modelsById({ small: costFacts(models.small), large: costFacts(models.large) }),
    strategy: strategyText(record),
    thresholds: {},
    sampling: GREEDY,
    seed: record.seed,
    promptTokenCount: record.promptTokenCount,
    maxTokens,
    contextLength,
  };
}
