import { describe, expect, it } from 'vitest';
import { PERTURBATION_COUNT, PERTURBED_TEMPERATURES } from '../core/perturbed-temperatures.ts';
import { logPartitions } from './perturbation.ts';

describe('the log-partitions of a row', () => {
  it('are 0 where one token is certain, and ln n for n equal tokens', () => {
    const certain = Float32Array.of(9, Number.NEGATIVE_INFINITY, -90);
    expect([...logPartitions(certain, 3)]).toEqual(Array(PERTURBATION_COUNT).fill(0));
    const equal = new Float32Array(7).fill(3);
    for (const value of logPartitions(equal, 7)) expect(value).toBeCloseTo(Math.log(7), 12);
  });

  it('are those of the softmax at each temperature', () => {
    const partitions = logPartitions(Float32Array.of(1, 3, 2.5), 3);
    for (const [index, temperature] of PERTURBED_TEMPERATURES.entries()) {
      const sum = 1 + Math.exp(-0.5 / temperature) + Math.exp(-2 / temperature);
      expect(partitions[index]).toBeCloseTo(Math.log(sum), 12);
    }
  });

  it('leave out the ids that do not exist', () => {
    const padded = Float32Array.of(1, 0, 5, 5);
    expect([...logPartitions(padded, 2)]).toEqual([...logPartitions(padded.slice(0, 2), 2)]);
  });

  it('have temperatures spread evenly over (0, 2]', () => {
    expect(PERTURBED_TEMPERATURES[0]).toBe(0.05);
    expect(PERTURBED_TEMPERATURES.at(-1)).toBe(1.95);
  });
});
