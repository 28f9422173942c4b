import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { commonVocabularySize, firstDifference, type TokenTable } from './vocabulary-comparison.ts';

type Named = TokenTable & { readonly name: string };

const tableOf = (name: string, strings: readonly (string | null)[]): Named => ({
  name,
  size: strings.length,
  tokenString: (id) => strings[id] ?? null,
});

const numbered = (name: string, size: number): Named =>
  tableOf(
    name,
    Array.from({ length: size }, (_, id) => `t${id}`),
  );

function failure(small: Named, large: Named): unknown {
  try {
    return commonVocabularySize(small, large);
  } catch (error) {
    return error;
  }
}

describe('firstDifference', () => {
  it('is null for equal tables, also if one of them is longer', () => {
    expect(firstDifference(tableOf('a', []), tableOf('b', ['x']))).toBeNull();
    expect(firstDifference(tableOf('a', ['x', 'y']), tableOf('b', ['x', 'y']))).toBeNull();
    expect(firstDifference(tableOf('a', ['x', null]), tableOf('b', ['x', null, 'z']))).toBeNull();
  });

  it('is the first id whose strings differ', () => {
    const anyStrings = fc.array(fc.constantFrom('x', 'y', null), { maxLength: 10 });
    fc.assert(
      fc.property(anyStrings, anyStrings, (a, b) => {
        const length = Math.min(a.length, b.length);
        const expected = a.slice(0, length).findIndex((text, id) => text !== b[id]);
        const found = firstDifference(tableOf('a', a), tableOf('b', b));
        expect(found).toBe(expected < 0 ? null : expected);
      }),
    );
  });

  it('tells a missing string from an empty one', () => {
    expect(firstDifference(tableOf('a', ['']), tableOf('b', [null]))).toBe(0);
  });
});

describe('commonVocabularySize', () => {
  it('is the smaller of the two sizes', () => {
    expect(commonVocabularySize(numbered('s', 5), numbered('l', 5))).toBe(5);
    expect(commonVocabularySize(numbered('s', 5), numbered('l', 1029))).toBe(5);
    expect(commonVocabularySize(numbered('s', 1029), numbered('l', 5))).toBe(5);
  });

  it('names the first difference', () => {
    const error = failure(tableOf('tiny', ['a', 'b', 'c']), tableOf('huge', ['a', 'x', 'y', 'z']));
    expect(error).toBeInstanceOf(PilotfishError);
    expect(error).toMatchObject({
      code: 'vocabulary-mismatch',
      message:
        'The models have different vocabularies: token 1 is "b" and "x" ' +
        '(tiny has 3 tokens, huge has 4).',
      remedy: expect.stringContaining('one family'),
      fields: { tokenId: 1, smallSize: 3, largeSize: 4 },
    });
  });

  it('refuses more extra tokens than padding explains', () => {
    const error = failure(numbered('tiny', 10), numbered('huge', 10 + 1025));
    expect(error).toMatchObject({
      code: 'vocabulary-mismatch',
      message: 'The vocabularies differ in size: tiny has 10 tokens, huge has 1035.',
      fields: { smallSize: 10, largeSize: 1035 },
    });
  });
});
