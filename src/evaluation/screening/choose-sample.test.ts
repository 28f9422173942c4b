import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseSample, screeningStratum } from './choose-sample.ts';
import { fullDesign, sampleDesign, weightedSum } from './sample-design.ts';

const someStrata = fc.array(fc.nat(3), { minLength: 1, maxLength: 200 });

describe('screening strata', () => {
  it('have one stratum for each pair of outcomes', () => {
    const all = [false, true].flatMap((isLargeRight) =>
      [false, true].map((isSmallRight) => screeningStratum(isSmallRight, isLargeRight)),
    );
    expect(all).toEqual([0, 1, 2, 3]);
  });
});

describe('a chosen sample', () => {
  it('holds all questions that one model alone gets right and a part of the others', () => {
    fc.assert(
      fc.property(someStrata, fc.nat(100), fc.nat(), (strata, percent, seed) => {
        const choice = { concordant: { share: percent / 100 }, minimumPerStratum: 5, seed };
        const { positions, design } = chooseSample(strata, choice);
        expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
        expect(design.strata).toEqual(positions.map((position) => strata[position]));
        for (const stratum of [0, 1, 2, 3]) {
          const size = strata.filter((own) => own === stratum).length;
          const isConcordant = stratum === 0 || stratum === 3;
          const wanted = Math.max(5, Math.round((percent / 100) * size));
          expect(design.stratumSizes[stratum]).toBe(size);
          expect(design.sampleSizes[stratum]).toBe(isConcordant ? Math.min(size, wanted) : size);
        }
      }),
    );
  });

  it('shares a count among strata by their sizes', () => {
    const strata = [...new Array(300).fill(3), ...new Array(100).fill(0), 1, 2];
    const choice = { concordant: { count: 40 }, minimumPerStratum: 2, seed: 1 };
    expect(chooseSample(strata, choice).design.sampleSizes).toEqual([10, 1, 1, 30]);
  });

  it('grows with the share, depends on the seed and takes each question with equal chance', () => {
    const strata = new Array(40).fill(3);
    const positionsFor = (share: number, seed: number) =>
      chooseSample(strata, { concordant: { share }, minimumPerStratum: 2, seed }).positions;
    const some = positionsFor(0.25, 7);
    expect(positionsFor(0.5, 7)).toEqual(expect.arrayContaining([...some]));
    expect(positionsFor(0.25, 8)).not.toEqual(some);
    const taken = new Float64Array(40);
    for (let seed = 0; seed < 2000; seed += 1) {
      for (const position of positionsFor(0.25, seed)) {
        taken[position] = (taken[position] ?? 0) + 1;
      }
    }
    // The expected count is 500, with a standard deviation of 19.4.
    for (const count of taken) expect(Math.abs(count - 500)).toBeLessThan(85);
  });
});

describe('a sample design', () => {
  it('weights an answered question by the count it represents', () => {
    const design = sampleDesign([0, 1, 1, 0], [6, 2]);
    expect([...design.weights]).toEqual([3 / 8, 1 / 8, 1 / 8, 3 / 8]);
    expect(weightedSum(design.weights, [1, 1, 0, 0])).toBe(0.5);
    expect([...fullDesign(4).weights]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  it('refuses impossible samples', () => {
    expect(() => sampleDesign([0], [1, 3])).toThrow(/0 of 3 questions of stratum 1/);
    expect(() => sampleDesign([0, 0], [1])).toThrow(/2 of 1/);
    expect(() => sampleDesign([4], [1])).toThrow(/no stratum 4/);
    expect(() => sampleDesign([], [0])).toThrow(/no questions/);
    expect(() => weightedSum([1], [1, 2])).toThrow(/2 values/);
  });
});
