import { describe, expect, it } from 'vitest';
import type { GateBin } from '../../evaluation/results.ts';
import { scoreScale } from './score-scale.ts';

function bins(...edges: [from: number, to: number][]): GateBin[] {
  return edges.map(([from, to]) => ({ from, to, agreeCount: 1, differCount: 1 }));
}

describe('scoreScale', () => {
  it('places bins of one width at their scores', () => {
    expect(scoreScale(bins([0, 1], [1, 2]))).toEqual({
      isEven: true,
      domain: [0, 2],
      isReversed: false,
      places: [
        { start: 0, end: 1 },
        { start: 1, end: 2 },
      ],
      ticks: null,
    });
  });

  it.each([
    ['written downwards', bins([1, 0.5], [0.5, 0])],
    ['written upwards', bins([0.5, 1], [0, 0.5])],
    ['a single one', bins([1, 0])],
  ])('reverses falling scores, %s', (_, falling) => {
    const { isReversed, places } = scoreScale(falling);
    expect(isReversed).toBe(true);
    expect(places[0]?.start).toBe(1);
    for (const { start, end } of places) expect(start).toBeGreaterThan(end);
  });

  it('places bins of other widths side by side, labelled with their edges', () => {
    const scale = scoreScale(bins([0, 0.0004], [0.0004, 0.01], [0.01, 4]));
    expect(scale).toMatchObject({ isEven: false, domain: [0, 3], isReversed: false });
    expect(scale.places[1]).toEqual({ start: 1, end: 2 });
    expect(scale.ticks?.map(({ label }) => label)).toEqual(['0', '0.0004', '0.01', '4']);
    const falling = scoreScale(bins([0.9, 1], [0.2, 0.9], [0, 0.2]));
    expect(falling.isReversed).toBe(false);
    expect(falling.ticks?.map(({ label }) => label)).toEqual(['1', '0.9', '0.2', '0']);
  });

  it('writes enough digits to distinguish the edges', () => {
    const { ticks } = scoreScale(bins([1, 0.9991], [0.9991, 0.93], [0.93, 0.00005]));
    expect(ticks?.map(({ label }) => label)).toEqual(['1', '0.999', '0.93', '0']);
  });

  it('gives bins without width a place', () => {
    const { isEven, places } = scoreScale(bins([0, 0], [0, 0]));
    expect(isEven).toBe(false);
    expect(places[1]).toEqual({ start: 1, end: 2 });
  });

  it('labels only some of many edges', () => {
    const edges = Array.from({ length: 20 }, (_, at): [number, number] => [2 ** at, 2 ** (at + 1)]);
    expect(scoreScale(bins(...edges)).ticks?.map(({ at }) => at)).toEqual([0, 4, 8, 12, 16, 20]);
  });
});
