import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/runs.ts';
import { SpecialStrings, unusedCharacter } from './special-strings.ts';

const MARK = '\u{e000}';
const STRINGS = new SpecialStrings(['<|a|>', '<s>', '</s>', '\u{1f41f}x', '']);

/** The text with the marks shown as `*`. */
function broken(text: string): string {
  return STRINGS.breakAll(text, MARK).replaceAll(MARK, '*');
}

describe('SpecialStrings', () => {
  it('finds every special string, those that overlap included', () => {
    const strings = new SpecialStrings(['aba', 'ab', 'ba']);
    expect([...strings.matches('abab')].map(({ at, text }) => `${at}${text}`).sort()).toEqual(
      ['0ab', '0aba', '1ba', '2ab'].sort(),
    );
    expect([...new SpecialStrings([]).matches('abab')]).toEqual([]);
  });

  it.each([
    ['plain <text> with < and |>, but no more', 'plain <text> with < and |>, but no more'],
    ['say <s> or <|a|>.', 'say <*s> or <*|a|>.'],
    ['<s><s>', '<*s><*s>'],
    ['a fish \u{1f41f}x.', 'a fish \u{1f41f}*x.'],
    ['<S> < s> <|A|>', '<S> < s> <|A|>'],
    ['ends with <', 'ends with <*'],
    ['ends with <|a|', 'ends with <*|a|'],
    ['> begins', '*> begins'],
    ['/s> begins', '/s*> begins'],
    ['a', 'a*'],
    ['|a|', '|*a|'],
    ['', ''],
  ])('breaks %j as %j', (text, expected) => {
    expect(broken(text)).toBe(expected);
  });

  it('breaks whole strings only, where nothing stands beside the text', () => {
    expect(STRINGS.breakWhole('> <s> <', MARK)).toBe(`> <${MARK}s> <`);
  });

  it('leaves texts without special strings as they are, whatever is removed from the list', () => {
    expect(STRINGS.without(new Set(['<s>'])).breakWhole('<s></s>', MARK)).toBe(`<s><${MARK}/s>`);
  });

  it('lets no special string arise when broken texts are joined with any other text', () => {
    const piece = fc.string({ unit: fc.constantFrom('<', '|', 'a', '>', 's', '/', ' ') });
    const property = fc.property(fc.array(fc.tuple(piece, piece)), (pairs) => {
      const parts = pairs.flatMap(([template, content]) => [
        { text: template, isOwn: true },
        { text: STRINGS.breakAll(content, MARK), isOwn: false },
      ]);
      const joined = parts.map(({ text }) => text).join('');
      const isOwn = parts.flatMap(({ text, isOwn: own }) => Array.from(text, () => own));
      for (const { at, text } of STRINGS.matches(joined)) {
        expect(isOwn.slice(at, at + text.length)).not.toContain(false);
      }
      expect(joined.replaceAll(MARK, '')).toBe(pairs.flat().join(''));
    });
    fc.assert(property, { numRuns: runs(200, 5000) });
  });

  it('changes nothing that trimming sees', () => {
    const piece = fc.string({ unit: fc.constantFrom('<', '|', 'a', '>', 's', ' ', '\n') });
    fc.assert(
      fc.property(piece, (text) => {
        const trimmed = STRINGS.breakAll(text, MARK).trim().replaceAll(MARK, '');
        expect(trimmed).toBe(text.trim());
      }),
    );
  });
});

describe('unusedCharacter', () => {
  it('is in none of the texts, even if they have all of the private use area', () => {
    expect(unusedCharacter([])).toBe('\u{e000}');
    expect(unusedCharacter(['a\u{e000}', '\u{e001}'])).toBe('\u{e002}');
    const all = Array.from({ length: 0x2000 }, (_, at) => String.fromCodePoint(0xe000 + at));
    expect(all).not.toContain(unusedCharacter([all.join('')]));
  });
});
