import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitByGroup } from './dataset.ts';

const groups = fc.array(fc.integer({ min: -5, max: 30 }), { minLength: 2, maxLength: 200 });
const share = fc.double({ min: 0.01, max: 0.99, noNaN: true });

describe('splitting by example', () => {
  it('keeps each example on one side, and every row', () => {
    fc.assert(
      fc.property(groups, share, fc.nat(), (list, wanted, seed) => {
        fc.pre(new Set(list).size > 1);
        const numbers = Int32Array.from(list);
        const { training, validation } = splitByGroup(numbers, wanted, seed);
        const of = (rows: Int32Array): Set<number> =>
          new Set([...rows].map((row) => list[row] ?? 0));
        expect([...of(training)].filter((group) => of(validation).has(group))).toEqual([]);
        expect([...training, ...validation].sort((a, b) => a - b)).toEqual([...list.keys()]);
        const count = of(training).size + of(validation).size;
        const expected = Math.min(Math.max(Math.round(wanted * count), 1), count - 1);
        expect(of(validation).size).toBe(expected);
      }),
    );
  });

  it('chooses by seed', () => {
    const numbers = Int32Array.from({ length: 100 }, (_, row) => row);
    expect(splitByGroup(numbers, 0.2, 1)).toEqual(splitByGroup(numbers, 0.2, 1));
    expect(splitByGroup(numbers, 0.2, 1)).not.toEqual(splitByGroup(numbers, 0.2, 2));
  });

  it.each([
    [[], 'There are no rows'],
    [[7, 7], 'All rows are of one example'],
  ])('refuses %j', (list, message) => {
    const split = (): unknown => splitByGroup(Int32Array.from(list), 0.2, 1);
    expect(split).toThrow(expect.objectContaining({ code: 'training-data-insufficient' }));
    expect(split).toThrow(message);
  });
});
