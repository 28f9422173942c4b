/** What the server of the large model bills for an answer, beside what that model alone is billed. */
import type { AnswerBill, EvaluationResult } from '../evaluation/results.ts';
import { curvePoints, LARGE_ALONE, pointName } from './curves.ts';
import type { NumberTable } from './pictures/picture.ts';

type Column = readonly [name: string, of: (bill: AnswerBill, alone: AnswerBill) => string];

const COLUMNS: readonly Column[] = [
  ['calls', ({ callCount }) => callCount.toFixed(1)],
  ['bytes up', ({ bytesUp }) => bytesUp.toFixed(0)],
  ['bytes down', ({ bytesDown }) => bytesDown.toFixed(0)],
  ['input, prefix kept', ({ newInputCount }) => newInputCount.toFixed(0)],
  ['of large', (bill, alone) => times(bill.newInputCount, alone.newInputCount)],
  ['input, billed again', ({ inputCount }) => inputCount.toFixed(0)],
  ['of large', (bill, alone) => times(bill.inputCount, alone.inputCount)],
  ['output', ({ outputCount }) => outputCount.toFixed(1)],
  ['of large', (bill, alone) => times(bill.outputCount, alone.outputCount)],
];

/** No rows if the large model is on no server. */
export function billTable({ results }: Pick<EvaluationResult, 'results'>): NumberTable {
  const points = curvePoints(results);
  const alone = points.find(({ strategy }) => strategy === LARGE_ALONE)?.bill ?? null;
  return {
    caption:
      'Bills per answer: what the server of the large model gets, and the tokens that it bills if its ' +
      'cache keeps the prefix of an answer, or if every call is billed as a whole',
    textColumnCount: 1,
    columns: ['strategy', ...COLUMNS.map(([name]) => name)],
    rows: points.flatMap((point) => {
      const { bill } = point;
      if (bill === null || alone === null) return [];
      return [[pointName(point), ...COLUMNS.map(([, of]) => of(bill, alone))]];
    }),
  };
}

function times(amount: number, alone: number): string {
  return alone === 0 ? '–' : (amount / alone).toFixed(2);
}
