/** What a server bills for an answer, on average over questions. */
import type { ModelCost } from '../../core/events.ts';
import type { AnswerBill } from '../results.ts';
import type { AnswerRun } from './point-runs.ts';

type Run = Pick<AnswerRun, 'cost'>;

/** Whether a server billed any call of the answer. */
export function isBilled({ cost }: Run): boolean {
  return Object.values(cost.models).some(({ billed }) => billed !== null);
}

/** @param mean over the answers */
export function answerBill(mean: (pick: (run: Run) => number) => number): AnswerBill {
  const meanOf = (pick: (cost: ModelCost) => number): number =>
    mean(({ cost }) =>
      Object.values(cost.models).reduce(
        (sum, one) => sum + (one.billed === null ? 0 : pick(one)),
        0,
      ),
    );
  return {
    callCount: meanOf(({ billed }) => billed?.callCount ?? 0),
    inputCount: meanOf(({ billed }) => billed?.inputCount ?? 0),
    newInputCount: meanOf(
      ({ billed, reusedRowCount }) =>
        (billed?.inputCount ?? 0) - (billed?.cachedCount ?? 0) + reusedRowCount,
    ),
    outputCount: meanOf(({ billed }) => billed?.outputCount ?? 0),
    bytesUp: meanOf(({ bytesUp }) => bytesUp),
    bytesDown: meanOf(({ bytesDown }) => bytesDown),
  };
}
