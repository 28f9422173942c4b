import { describe, expect, it } from 'vitest';
import { tokenId } from '../core/token-id.ts';
import { cutAtSpecialTokens } from './cut-at-special-tokens.ts';
import { SpecialStrings } from './special-strings.ts';
import type { SpecialToken } from './special-token.ts';

function special(id: number, text: string, strips: Partial<SpecialToken> = {}): SpecialToken {
  return {
    ...{ id: tokenId(id), text, isUserDefined: false, stripsBefore: false, stripsAfter: false },
    ...strips,
  };
}

function cut(text: string, ...tokens: readonly SpecialToken[]): readonly (number | string)[] {
  return cutAtSpecialTokens(text, tokens, new SpecialStrings(tokens.map((one) => one.text)));
}

describe('cutAtSpecialTokens', () => {
  it('gives the tokens and the texts between them', () => {
    const [start, end] = [special(1, '<s>'), special(2, '</s>')];
    expect(cut('<s>a </s>\n<s>b', start, end)).toEqual([1, 'a ', 2, '\n', 1, 'b']);
    expect(cut('<S>', start)).toEqual(['<S>']);
    expect(cut('<s><s>', start)).toEqual([1, 1]);
  });

  it('cuts at the longer token first, even where a shorter one begins before it', () => {
    expect(cut('abcd', special(1, 'ab'), special(2, 'bcd'))).toEqual(['a', 2]);
    expect(cut('aaa', special(1, 'aa'))).toEqual([1, 'a']);
  });

  it('leaves out white space that a token swallows', () => {
    const [after, before] = [{ stripsAfter: true }, { stripsBefore: true }];
    expect(cut('a <e> \n\tb', special(1, '<e>', after))).toEqual(['a ', 1, 'b']);
    expect(cut('a <e> b', special(1, '<e>', before))).toEqual(['a', 1, ' b']);
    expect(cut(' <e> ', special(1, '<e>', { ...before, ...after }))).toEqual([1]);
    expect(cut('<e>\u00a0b', special(1, '<e>', after))).toEqual([1, '\u00a0b']);
  });
});
