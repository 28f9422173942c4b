import { describe, expect, it } from 'vitest';
import type { AnswerBill } from '../evaluation/results.ts';
import { billTable } from './bill-table.ts';
import { fakeResult } from './fakes/evaluation-result.ts';

const RESULT = fakeResult();
const ALONE: AnswerBill = {
  ...{ callCount: 1, inputCount: 100, newInputCount: 100, outputCount: 50 },
  ...{ bytesUp: 500, bytesDown: 9000 },
};

function billed(of: (strategy: string, seed: number) => AnswerBill) {
  const results = RESULT.results.map((point) => ({
    ...point,
    bill: of(point.strategy, point.seed),
  }));
  return billTable({ results });
}

describe('the table of bills', () => {
  it('compares both kinds of bills with the large model alone, seeds averaged', () => {
    const { columns, rows } = billed((strategy, seed) =>
      strategy === 'large'
        ? ALONE
        : { ...ALONE, callCount: 4, newInputCount: 100 + 10 * seed, inputCount: 400 },
    );
    expect(columns).toHaveLength(10);
    expect(rows.find(([name]) => name === 'large')?.slice(1)).toEqual([
      ...['1.0', '500', '9000', '100', '1.00', '100', '1.00', '50.0', '1.00'],
    ]);
    const random = rows.find(([name]) => name === 'random@0.2');
    // Seeds 1, 2 and 3.
    expect(random?.slice(1, 8)).toEqual(['4.0', '500', '9000', '120', '1.20', '400', '4.00']);
  });

  it('has no rows where no server bills', () => {
    expect(billTable(RESULT).rows).toEqual([]);
  });
});
