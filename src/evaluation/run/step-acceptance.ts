/**
 * How often the methods that judge steps accepted them: by the place of the step in its answer, and by
 * the difficulty of the question. Folded from the records of answers.
 */
import { required } from '../../core/invariant.ts';
import type { Question } from '../question.ts';
import type { AcceptanceGroup, StepAcceptance } from '../results.ts';
import { wilson } from '../statistics/wilson.ts';
import type { EvaluationPoint } from './evaluation-point.ts';
import type { AnswerRun } from './point-runs.ts';
import { judgesSteps, type RecordedStep, recordedSteps } from './recorded-steps.ts';
import type { EvaluatedAnswers } from './run-evaluation.ts';

/** Positions that have groups of their own; later steps share one. */
const POSITION_MAX = 8;

/** @param smallAlone in the order of the chosen questions */
export function stepAcceptance(
  points: readonly EvaluationPoint[],
  { store, chosen, design }: Pick<EvaluatedAnswers, 'store' | 'chosen' | 'design'>,
  smallAlone: readonly Pick<AnswerRun, 'grade'>[],
): readonly StepAcceptance[] {
  const difficulties = difficultiesOf(chosen, smallAlone);
  return points.filter(judgesSteps).map(({ method, threshold, seed }) => {
    const steps = chosen.flatMap((question, index) => {
      const record = store.get({ method, threshold, seed }, question);
      return recordedSteps(required(record, 'the question was answered'))
        .filter(({ score }) => score !== null)
        .map(({ isAccepted, position }) => ({
          isAccepted,
          position: positionName(position),
          difficulty: difficulties[index] ?? '',
          weight: design.weights[index] ?? 0,
        }));
    });
    return {
      ...{ strategy: method.name, threshold },
      byPosition: groups(steps, ({ position }) => position),
      byDifficulty: groups(steps, ({ difficulty }) => difficulty),
    };
  });
}

function positionName(position: RecordedStep['position']): string {
  if (position === 'last') return position;
  return position > POSITION_MAX ? `${POSITION_MAX + 1}+` : String(position);
}

function difficultiesOf(
  questions: readonly Question[],
  smallAlone: readonly Pick<AnswerRun, 'grade'>[],
): readonly string[] {
  const own = questions.flatMap(({ difficulty }) => difficulty ?? []);
  if (own.length === questions.length) return own;
  return smallAlone.map(({ grade }) => `small alone ${grade.isRight ? 'right' : 'wrong'}`);
}

interface WeightedStep {
  readonly isAccepted: boolean;
  /** The count of questions that its question represents, up to a common factor. */
  readonly weight: number;
}

/** Numbers in names are ordered as numbers, and before words. */
const ORDER = new Intl.Collator('en', { numeric: true });

function groups<S extends WeightedStep>(
  steps: readonly S[],
  nameOf: (step: S) => string,
): readonly AcceptanceGroup[] {
  const names = [...new Set(steps.map(nameOf))].sort(ORDER.compare);
  return names.map((name) => ({
    name,
    ...acceptance(steps.filter((step) => nameOf(step) === name)),
  }));
}

function acceptance(steps: readonly WeightedStep[]): Omit<AcceptanceGroup, 'name'> {
  const sum = (of: (step: WeightedStep) => number): number =>
    steps.reduce((total, step) => total + of(step), 0);
  const whole = sum(({ weight }) => weight);
  const acceptedShare = sum(({ isAccepted, weight }) => (isAccepted ? weight : 0)) / whole;
  // The size of a plain sample of the same precision (Kish): the count where all weights are equal.
  const size = whole ** 2 / sum(({ weight }) => weight ** 2);
  const { low, high } = wilson(acceptedShare * size, size);
  return { judgedCount: steps.length, acceptedShare, low, high };
}
