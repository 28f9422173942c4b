import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RowProgram } from '../core/row-program.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { joinNeeds, type RowNeeds, withNeeds } from './row-needs.ts';

const ANY_NEEDS: fc.Arbitrary<RowNeeds> = fc.record(
  {
    uncertainty: fc.boolean(),
    hidden: fc.boolean(),
    topLogprobs: fc.integer({ min: 1, max: 64 }),
  },
  { requiredKeys: [] },
);

const PROGRAM: RowProgram = { vocabularySize: 9, sampling: GREEDY, seed: 3, purpose: 'sample' };

/** Whether who has `all` has `some`. */
function serves(all: RowNeeds, some: RowNeeds): boolean {
  const has = (name: 'uncertainty' | 'hidden'): boolean =>
    some[name] !== true || all[name] === true;
  return has('uncertainty') && has('hidden') && (all.topLogprobs ?? 0) >= (some.topLogprobs ?? 0);
}

describe('joined needs', () => {
  it('serve everybody, and are no more than somebody needs', () => {
    fc.assert(
      fc.property(fc.array(ANY_NEEDS, { maxLength: 4 }), (all) => {
        const joined = joinNeeds(...all);
        for (const needs of all) expect(serves(joined, needs)).toBe(true);
        for (const [name, value] of Object.entries(joined)) {
          expect(all.some((needs) => needs[name as keyof RowNeeds] === value)).toBe(true);
        }
        expect(joinNeeds(joined)).toEqual(joined);
      }),
    );
  });

  it('of nobody are nothing', () => {
    expect(joinNeeds()).toEqual({});
    expect(joinNeeds({ uncertainty: false, hidden: false })).toEqual({});
  });
});

describe('a request with needs', () => {
  it('asks for what it asked for and for what is needed', () => {
    fc.assert(
      fc.property(ANY_NEEDS, ANY_NEEDS, ({ hidden, ...before }, needs) => {
        const request = {
          program: { ...PROGRAM, ...before },
          ...(hidden === undefined ? {} : { hidden }),
          text: [1, 2],
        };
        const { program, hidden: wantsHidden = false, text } = withNeeds(request, needs);
        const { uncertainty = false, topLogprobs = 0, ...rest } = program;
        const expected = joinNeeds({ hidden: hidden === true, ...before }, needs);
        expect({ uncertainty, topLogprobs, hidden: wantsHidden }).toEqual({
          ...{ uncertainty: false, topLogprobs: 0, hidden: false },
          ...expected,
        });
        expect({ ...rest, text }).toEqual({ ...PROGRAM, text: request.text });
      }),
    );
  });

  it('is as it was where nothing is needed', () => {
    const request = { program: PROGRAM, outputCount: 1 };
    expect(withNeeds(request, {})).toStrictEqual(request);
    expect(withNeeds(request, { hidden: true })).toStrictEqual({ ...request, hidden: true });
  });
});
