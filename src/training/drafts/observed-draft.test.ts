import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { required } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import { samplingParams } from '../../core/sampling-params.ts';
import { tokenId } from '../../core/token-id.ts';
import { perturbationGate } from '../../judging/perturbation.ts';
import { runRowProgram } from '../../sampling/run-row-program.ts';
import { truncationErrors } from '../../sampling/truncation-bound.ts';
import { variation } from './fit-drafts.ts';
import { observedDraft } from './observed-draft.ts';

const SIZE = 5;
const END = 4;
const isEndOfGeneration = (id: number): boolean => id === END;

function rowOf(logits: readonly number[], temperature: number, position: number): RowResult {
  const program = {
    ...{ vocabularySize: SIZE, sampling: samplingParams({ temperature }), seed: 3 },
    ...{ purpose: 'sample' as const, perturbation: true, distribution: temperature > 0 },
  };
  return { ...runRowProgram(Float32Array.from(logits), program, position), hidden: null };
}

const NOWHERE = {
  draws: { uniform: () => 0.5, accepts: () => false, categorical: () => tokenId(0) },
  tokenBytes: () => Uint8Array.of(),
};
const scoreOf = (row: RowResult): number => perturbationGate.score(row, 0, NOWHERE);

/** The row as if it had drawn this token. */
function drawing(row: RowResult, id: number, logits: readonly number[]): RowResult {
  const gap = Math.max(...logits.map(Math.fround)) - Math.fround(logits[id] ?? 0);
  return { ...row, tokenId: tokenId(id), logitGap: gap };
}

const LOGITS = fc.array(fc.double({ min: -6, max: 6, noNaN: true }), {
  minLength: SIZE,
  maxLength: SIZE,
});

/** P(v) as the law of U-HLM has it (test/engine/uhlm.test.ts), where only some drafts are sent. */
function outputOf(
  x: Float64Array,
  y: Float64Array,
  isSent: (id: number) => boolean,
): readonly number[] {
  const excess = [...y].map((own, id) => Math.max(0, own - (x[id] ?? 0)));
  const excessSum = excess.reduce((sum, one) => sum + one, 0);
  const rejected = [...x].reduce(
    (sum, own, id) => sum + (isSent(id) ? Math.max(0, own - (y[id] ?? 0)) : 0),
    0,
  );
  return [...x].map((own, id) => {
    const kept = isSent(id) ? Math.min(own, y[id] ?? 0) : own;
    return kept + (excessSum > 0 ? (rejected * (excess[id] ?? 0)) / excessSum : 0);
  });
}

describe('a draft of a distribution', () => {
  it('tells the exact distance of the output from y, for every threshold', () => {
    fc.assert(
      fc.property(
        ...[
          LOGITS,
          LOGITS,
          fc.constantFrom(0.5, 1, 1.7),
          fc.double({ min: 0, max: 0.9, noNaN: true }),
        ],
        (small, large, temperature, threshold) => {
          const row = rowOf(small, temperature, 7);
          const target = rowOf(large, temperature, 7);
          const seen = observedDraft(
            { draft: row, target, score: scoreOf(row) },
            { temperature, isEndOfGeneration },
          );
          const [x, y] = [row, target].map(({ distribution }) =>
            required(distribution, 'asked for'),
          );
          const us = small.map((_, id) => scoreOf(drawing(row, id, small)));
          // Rounding decides there.
          fc.pre(us.every((u) => Math.abs(u - threshold) > 1e-6));
          const isSent = (id: number): boolean => id === END || (us[id] ?? 0) > threshold;
          const output = outputOf(required(x, 'x'), required(y, 'y'), isSent);
          const distance = output.reduce((sum, p, id) => sum + Math.abs(p - (y?.[id] ?? 0)), 0) / 2;
          expect(variation(seen, threshold)).toBeCloseTo(distance, 9);
        },
      ),
      { numRuns: runs(200, 3000) },
    );
  });

  it('has the rejection probability of the token that was drawn, and the errors of truncations', () => {
    const row = rowOf([1, 0.5, -1, 0, -2], 1, 3);
    const target = rowOf([-1, 1, 0.3, 0.2, 0], 1, 3);
    const [x, y] = [required(row.distribution, 'x'), required(target.distribution, 'y')];
    const seen = observedDraft(
      { draft: row, target, score: 0.4 },
      { temperature: 1, isEndOfGeneration },
    );
    const id = row.tokenId;
    expect(seen.rejection).toBeCloseTo(Math.max(0, 1 - (y[id] ?? 0) / (x[id] ?? 1)), 12);
    expect(seen).toMatchObject({ uncertainty: 0.4, probability: x[id], isEnd: id === END });
    expect(seen.truncationErrors).toHaveLength(SIZE);
    for (const [at, error] of seen.truncationErrors.entries()) {
      expect(error).toBeCloseTo(truncationErrors(x)[at + 1] ?? -1, 12);
    }
  });
});

describe('a greedy draft', () => {
  it('is rejected iff the large model would write another token', () => {
    const [small, same, other] = [
      [3, 1, 0, 0, 0],
      [2, 0, 0, 0, 0],
      [0, 2, 0, 0, 0],
    ] as const;
    const row = rowOf(small, 0, 0);
    const observe = (large: readonly number[]) =>
      observedDraft(
        { draft: row, target: rowOf(large, 0, 0), score: 0.2 },
        { temperature: 0, isEndOfGeneration },
      );
    expect(observe(same)).toMatchObject({ rejection: 0, probability: 1, truncationErrors: [] });
    expect(observe(other).rejection).toBe(1);
    expect(variation(observe(other), 0.2)).toBe(1);
    expect(variation(observe(other), 0.1)).toBe(0);
    const ends = observedDraft(
      { draft: rowOf([0, 0, 0, 0, 3], 0, 0), target: row, score: 0.2 },
      { temperature: 0, isEndOfGeneration },
    );
    expect(ends).toMatchObject({ isEnd: true, skippable: [] });
  });
});
