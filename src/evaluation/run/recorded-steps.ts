/** The steps of recorded answers: the tokens of a step share a round and a score. Pure. */
import { type AnswerRecord, recordedTokens } from './answer-record.ts';
import { judgesAnswers } from './evaluation-plan.ts';
import type { EvaluationPoint } from './evaluation-point.ts';

export interface RecordedStep {
  /** The reward of the draft; null: it was not judged. */
  readonly score: number | null;
  readonly isAccepted: boolean;
  /** From 1; the last step of its answer has none. */
  readonly position: number | 'last';
}

/** The steps of an answer, in order. */
export function recordedSteps(record: AnswerRecord): readonly RecordedStep[] {
  const tokens = recordedTokens(record);
  const first = tokens.filter(({ round }, index) => round !== tokens[index - 1]?.round);
  return first.map(({ score, origin }, index) => ({
    score,
    isAccepted: origin !== 'large',
    position: index === first.length - 1 ? 'last' : index + 1,
  }));
}

/** Whether the method of a point scores drafted steps, as no random control does. */
export function judgesSteps({ method }: EvaluationPoint): boolean {
  return method.unit === 'step' && judgesAnswers(method);
}
