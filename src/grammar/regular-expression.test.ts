import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows, byteEngine, randomText } from './fakes/byte-engine.ts';
import { compiledText, grammarSource } from './grammar-request.ts';

const engine = await byteEngine();
const grammarOf = (regex: string): string => compiledText(grammarSource({ regex }));

const atom = fc.constantFrom(
  ...['a', 'b', 'ab', '.', '[ab]', '[^ab]', '[a-cé]', '\\d', '\\W', '\\s', '\\.', '\\n', 'é', '日'],
  ...['[\\d\\-x]', '[^\\s"]', '\\u{1F600}', '\\u00e9', '[\\]\\\\]', '(?:)', '\\x41', '[^]', ' '],
);
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,}', '{0,2}', '*?');
const { pattern } = fc.letrec<{ pattern: string; term: string }>((tie) => ({
  pattern: fc
    .array(fc.array(tie('term'), { maxLength: 2 }), { minLength: 1, maxLength: 3 })
    .map((options) => options.map((terms) => terms.join('')).join('|')),
  term: fc.oneof(
    { maxDepth: 1 },
    fc.tuple(atom, quantifier).map(([a, q]) => a.replace(/^ab$/, '(ab)') + q),
    fc.tuple(tie('pattern'), quantifier).map(([inner, q]) => `(${inner})${q}`),
  ),
}));
const anyText = fc
  .array(
    fc.constantFrom('a', 'b', 'c', 'é', '日', '😀', '1', ' ', '\n', '.', '"', '\\', 'x', 'A'),
    {
      maxLength: 6,
    },
  )
  .map((characters) => characters.join(''));

describe('regularExpression', () => {
  it('allows what JavaScript matches, and nothing else', async () => {
    let matchCount = 0;
    await fc.assert(
      fc.asyncProperty(pattern, fc.array(anyText, { maxLength: 6 }), async (regex, texts) => {
        const expression = new RegExp(`^(?:${regex})$`, 'u');
        let grammar: string;
        try {
          grammar = grammarOf(regex);
        } catch (error) {
          // Nothing matches it, or it is far too large: said so, not allowed wrongly.
          expect(error).toMatchObject({ code: 'grammar-invalid' });
          return;
        }
        for (const text of texts) {
          expect([regex, text, await allows(engine, grammar, text)]).toEqual([
            regex,
            text,
            expression.test(text),
          ]);
          if (expression.test(text)) matchCount += 1;
        }
        const written = await randomText(engine, grammar, (count) =>
          Math.floor(Math.random() * count),
        );
        if (written !== null) expect(written.toString('utf8')).toMatch(expression);
      }),
      { numRuns: 60 },
    );
    expect(matchCount).toBeGreaterThan(20);
  });

  it('takes anchors at the ends, where they change nothing', async () => {
    for (const regex of ['^ab$', '^ab', 'ab$', '^ab$|^c$']) {
      expect(await allows(engine, grammarOf(regex), 'ab')).toBe(true);
      expect(await allows(engine, grammarOf(regex), 'abx')).toBe(false);
    }
  });

  it.each([
    ['(', 'Unterminated group'],
    ['a{2', 'Incomplete quantifier'],
    ['[b-a]', 'out of order'],
    ['(?=a)b', 'look-around'],
    ['(?<!a)b', 'look-around'],
    ['(a)\\1', '\\1'],
    ['\\bword', '\\b'],
    ['\\p{L}', '\\p'],
    ['a^b', '^ inside'],
    ['(a$)b', '$ inside'],
    ['((((a{99}){99}){99}){99}){99}', 'too large'],
    [`${'('.repeat(100)}a${')'.repeat(100)}`, 'groups within groups'],
    ['x'.repeat(5000), '4096'],
    ['a[^\\s\\S]', 'Nothing matches'],
  ])('refuses %s, saying why', (regex, why) => {
    expect(() => grammarOf(regex)).toThrow(
      expect.objectContaining({ code: 'grammar-invalid', message: expect.stringContaining(why) }),
    );
  });
});
