import { describe, expect, it } from 'vitest';
import {
  distance,
  distinctly,
  intervalText,
  listed,
  percent,
  points,
  ratio,
  short,
} from './wording.ts';

describe('wording', () => {
  it('writes shares, differences and ratios', () => {
    expect([percent(0.613), percent(1, 0), percent(null)]).toEqual(['61.3 %', '100 %', '–']);
    expect([points(0.042), points(-0.0301), points(-0.0001)]).toEqual(['+4.2', '−3.0', '0.0']);
    expect([ratio(0.7249), ratio(null)]).toEqual(['0.72', '–']);
    expect([short(1 / 3), short(12), short(null)]).toEqual(['0.3333', '12', '–']);
  });

  it('never writes 0 for a difference that is not 0', () => {
    expect([distance(0.042), distance(-0.042), distance(0)]).toEqual(['4.2', '4.2', '0.0']);
    expect([distance(0.0004), distance(0.0006)]).toEqual(['less than 0.1', '0.1']);
  });

  it('writes intervals of shares, and of the way between the models on other axes', () => {
    const interval = { low: 0.025, high: 0.4 };
    expect(intervalText(interval, 'largeShare')).toBe('2.5 to 40 % large share');
    expect(intervalText(interval, 'weightTrafficRatio')).toBe(
      "2.5 to 40 % of the way between the models' weight traffic",
    );
  });

  it('distinguishes numbers that are nearly equal', () => {
    const edges = [0.99998, 0.999983, 1, 1 / 3, 0.5];
    expect(edges.map((edge) => distinctly(edge, edges))).toEqual([
      '0.99998',
      '0.999983',
      '1',
      '0.3333',
      '0.5',
    ]);
    expect([distinctly(0.99998, []), distinctly(1e-9, []), distinctly(0, [])]).toEqual([
      '0.99998',
      '1e-9',
      '0',
    ]);
    expect(distinctly(0.1 + 0.2, [0.3])).toBe('0.30000000000000004');
  });

  it('lists names', () => {
    expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'])]).toEqual([
      '',
      'a',
      'a and b',
      'a, b and c',
    ]);
  });
});
