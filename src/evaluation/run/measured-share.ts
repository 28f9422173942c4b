/** Where the points of a curve lie on the axis on which the curve is compared. Pure. */
import { foldRunCost } from '../../accounting/run-cost.ts';
import { required } from '../../core/invariant.ts';
import type { Question } from '../question.ts';
import { type SampleDesign, weightedSum } from '../screening/sample-design.ts';
import { type AnswerRecord, eventsOf } from './answer-record.ts';
import type { AnswerStore } from './answer-store.ts';
import { LARGE_ALONE, SMALL_ALONE } from './evaluation-plan.ts';
import type { EvaluationPoint } from './evaluation-point.ts';
import { sharesTellCosts } from './method-pairs.ts';
import { type RunFacts, startOf } from './point-runs.ts';

interface Answered {
  readonly store: Pick<AnswerStore, 'get'>;
  readonly chosen: readonly Question[];
  readonly design: SampleDesign;
  readonly facts: RunFacts;
}

/**
 * The large share of all tokens where methods of the unit are compared by it. For other methods, the
 * share of the way from the small model's written FLOPs to the large one's, which is the axis for a
 * reward that reads the drafts; for any other reward written FLOPs are the generated ones.
 */
export function measuredShare(point: EvaluationPoint, answered: Answered): number {
  const { method } = point;
  if (sharesTellCosts(method, method)) return largeShare(point, answered);
  const [own, small, large] = [point, SMALL_ALONE, LARGE_ALONE].map((one) =>
    writtenFlops(one, answered),
  ) as [number, number, number];
  return (own - small) / (large - small);
}

function largeShare(point: EvaluationPoint, answered: Answered): number {
  const large = total(point, answered, ({ origins }) => origins.replaceAll(/[^l]/gi, '').length);
  return large / total(point, answered, ({ origins }) => origins.length);
}

function writtenFlops(point: EvaluationPoint, answered: Answered): number {
  return total(point, answered, (record) => {
    const start = startOf(record, answered.facts, point.method);
    return foldRunCost(start, eventsOf(record)).writtenFlops;
  });
}

function total(
  point: EvaluationPoint,
  { store, chosen, design }: Answered,
  of: (record: AnswerRecord) => number,
): number {
  const amounts = chosen.map((question) =>
    of(required(store.get(point, question), 'the question was answered')),
  );
  return weightedSum(design.weights, amounts);
}
