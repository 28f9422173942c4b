import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { seededDraws } from '../core/draws.ts';
import { PERTURBATION_COUNT } from '../core/perturbed-temperatures.ts';
import type { RowProgram, RowResult } from '../core/row-program.ts';
import { GREEDY, samplingParams } from '../core/sampling-params.ts';
import { runRowProgram } from '../sampling/run-row-program.ts';
import type { GateContext } from './gate.ts';
import {
  draftProbabilityGate,
  perturbationGate,
  sampledPerturbationGate,
  unbiasedPerturbationGate,
} from './perturbation.ts';

const READS = { perturbation: true, logprob: true } as const;

function rowOf(logits: readonly number[], changes: Partial<RowProgram> = {}): RowResult {
  const program: RowProgram = {
    ...{ vocabularySize: logits.length, sampling: GREEDY, seed: 3, purpose: 'sample', ...READS },
    ...changes,
  };
  return { ...runRowProgram(Float32Array.from(logits), program, 5), hidden: null };
}

const contextOf = (seed: number): GateContext => ({
  draws: seededDraws(seed),
  tokenBytes: () => new Uint8Array(),
});

const anyRow = fc.array(fc.float({ min: -20, max: 20, noNaN: true }), {
  minLength: 2,
  maxLength: 30,
});

describe('the uncertainty of a draft', () => {
  it('is 0 where one token is certain, and 1 - 1/n for n equal tokens', () => {
    const certain = rowOf([9, -200, -200]);
    const equal = rowOf([1, 1, 1, 1]);
    for (const gate of [perturbationGate, sampledPerturbationGate, unbiasedPerturbationGate]) {
      expect(gate.score(certain, 5, contextOf(1))).toBe(0);
    }
    expect(perturbationGate.score(equal, 5, contextOf(1))).toBeCloseTo(0.75, 12);
    expect(draftProbabilityGate.score(equal, 5, contextOf(1))).toBeCloseTo(0.75, 6);
  });

  it('lies in [0, 1], and its sampled form in {0, 1/K, …, 1}', () => {
    fc.assert(
      fc.property(anyRow, fc.nat(), fc.nat(4000), (logits, seed, position) => {
        const row = rowOf(logits, { sampling: samplingParams({ temperature: 1 }), seed });
        const context = contextOf(seed);
        const mean = perturbationGate.score(row, position, context);
        expect(mean).toBeGreaterThanOrEqual(0);
        expect(mean).toBeLessThanOrEqual(1);
        const sampled = sampledPerturbationGate.score(row, position, context);
        expect((sampled * PERTURBATION_COUNT) % 1).toBeCloseTo(0, 9);
        expect(sampledPerturbationGate.score(row, position, contextOf(seed))).toBe(sampled);
        // The best token is the surest.
        expect(unbiasedPerturbationGate.score(row, position, context)).toBeLessThanOrEqual(mean);
      }),
      { numRuns: runs(100, 2000) },
    );
  });

  it('is on average the same in both forms', () => {
    const row = rowOf([2, 1.5, 0.2, -1]);
    const context = contextOf(7);
    const count = 4000;
    const sum = Array.from({ length: count }, (_, position) =>
      sampledPerturbationGate.score(row, position, context),
    ).reduce((total, one) => total + one, 0);
    // Its standard error is below 0.5 / sqrt(20 · 4000).
    const mean = perturbationGate.score(row, 0, context);
    expect(Math.abs(sum / count - mean)).toBeLessThan((6 * 0.5) / Math.sqrt(20 * count));
  });

  it('is near the mean over all temperatures in (0, 2]', () => {
    const logits = fc.array(fc.double({ min: -8, max: 0, noNaN: true }), {
      ...{ minLength: 1, maxLength: 20 },
    });
    const count = 4000;
    fc.assert(
      fc.property(logits, (others) => {
        const all = [0, ...others].map(Math.fround);
        const restOf = (theta: number): number =>
          1 - 1 / all.reduce((sum, logit) => sum + Math.exp(logit / theta), 0);
        const thetas = Array.from({ length: count }, (_, at) => (2 * (at + 0.5)) / count);
        const mean = thetas.reduce((sum, theta) => sum + restOf(theta), 0) / count;
        const u = unbiasedPerturbationGate.score(rowOf(all), 5, contextOf(1));
        expect(Math.abs(u - mean)).toBeLessThan(0.01);
      }),
      { numRuns: runs(50, 1000) },
    );
  });

  it('does not look at the draft where it is that of the best token', () => {
    const scores = new Set<number>();
    const drafts = new Set<number>();
    for (let seed = 0; seed < 20; seed += 1) {
      const row = rowOf([1, 0.8, 0.5], { sampling: samplingParams({ temperature: 1 }), seed });
      drafts.add(row.tokenId);
      scores.add(unbiasedPerturbationGate.score(row, 5, contextOf(seed)));
    }
    expect(drafts.size).toBe(3);
    expect(scores.size).toBe(1);
  });
});
