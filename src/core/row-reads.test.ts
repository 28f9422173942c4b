import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ALL_READS,
  coversReads,
  joinReads,
  missingRead,
  type RowReads,
  readsLogits,
  withReads,
} from './row-reads.ts';

const ANY_READS: fc.Arbitrary<RowReads> = fc.record(
  {
    logprob: fc.boolean(),
    uncertainty: fc.boolean(),
    topLogprobs: fc.nat(64),
    textLogprob: fc.boolean(),
    tokenLogprobs: fc.boolean(),
    distribution: fc.boolean(),
    hidden: fc.boolean(),
  },
  { requiredKeys: [] },
);

describe('row reads', () => {
  it('that are joined cover every reader and contain nothing else', () => {
    fc.assert(
      fc.property(fc.array(ANY_READS, { maxLength: 4 }), (all) => {
        const joined = joinReads(...all);
        for (const reads of all) expect(coversReads(joined, reads)).toBe(true);
        for (const [name, value] of Object.entries(joined)) {
          const less = { ...joined, [name]: typeof value === 'number' ? value - 1 : false };
          expect(all.every((reads) => coversReads(less, reads))).toBe(false);
        }
      }),
    );
  });

  it('that are missing are named; nothing is missing where every value can be had', () => {
    expect(missingRead({ logprob: true }, { logprob: true, hidden: true })).toBe(
      'it gives no hidden states',
    );
    fc.assert(
      fc.property(ANY_READS, (reads) => {
        expect(missingRead(ALL_READS, reads)).toBeNull();
        const isNothing = Object.keys(joinReads(reads)).length === 0;
        expect(missingRead({}, reads) === null).toBe(isNothing);
        const { hidden: _, ...others } = joinReads(reads);
        expect(readsLogits(reads)).toBe(Object.keys(others).length > 0);
      }),
    );
  });

  it('that are false or 0 do not appear in a join', () => {
    expect(joinReads({ uncertainty: false, hidden: false, topLogprobs: 0 })).toStrictEqual({});
  });

  it('can be added to a request, which keeps its other fields and its own reads', () => {
    fc.assert(
      fc.property(ANY_READS, ANY_READS, (own, more) => {
        const request = { ...own, text: 'kept' };
        const { text, ...reads } = withReads(request, more);
        expect(text).toBe('kept');
        expect(joinReads(reads)).toEqual(joinReads(own, more));
        expect(request).toEqual({ ...own, text: 'kept' });
      }),
    );
  });

  it('cover each other by flag and by count', () => {
    const all = { hidden: true, topLogprobs: 3 };
    expect(coversReads(all, { topLogprobs: 3 })).toBe(true);
    expect(coversReads(all, { topLogprobs: 4 })).toBe(false);
    expect(coversReads(all, { hidden: false, distribution: false })).toBe(true);
    expect(coversReads(all, { distribution: true })).toBe(false);
    expect(coversReads({}, {})).toBe(true);
  });
});
