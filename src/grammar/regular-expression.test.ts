import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows, byteEngine, randomText } from './fakes/byte-engine.ts';
import { anyText, pattern } from './fakes/random-pattern.ts';
import { compiledText, grammarSource } from './grammar-request.ts';

const engine = await byteEngine();
const grammarOf = (regex: string): string => compiledText(grammarSource({ regex }));

describe('regularExpression', () => {
  it('allows the texts that JavaScript matches, and no others', async () => {
    let matchCount = 0;
    await fc.assert(
      fc.asyncProperty(pattern, fc.array(anyText, { maxLength: 6 }), async (regex, texts) => {
        const expression = new RegExp(`^(?:${regex})$`, 'u');
        let grammar: string;
        try {
          grammar = grammarOf(regex);
        } catch (error) {
          // The pattern matches nothing or is far too large: it must be refused, not allowed wrongly.
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
    // About fifty match; the test would be empty without any.
    expect(matchCount).toBeGreaterThan(0);
  });

  it('accepts anchors at the ends, where they change nothing', async () => {
    for (const regex of ['^ab$', '^ab', 'ab$', '^ab$|^c$']) {
      expect(await allows(engine, grammarOf(regex), 'ab')).toBe(true);
      expect(await allows(engine, grammarOf(regex), 'abx')).toBe(false);
    }
  });

  it.each([
    ['[^\\ud800-\\udfff]', ['-', 'é'], ['']],
    ['[a\\ud800-\\udfff]', ['a'], ['-']],
    ['[\\ud7ff-\\ue000]', ['\ud7ff', '\ue000'], ['-', '\ue001']],
    ['[\\ud83d\\ude00-\\ud83d\\ude02]', ['😁'], ['-', '😃']],
    ['a|\ud800', ['a'], ['\ufffd', '-']],
  ])('excludes halves of surrogate pairs: %j', async (regex, allowed, refused) => {
    const grammar = grammarOf(regex);
    for (const text of [...allowed, ...refused]) {
      expect([text, await allows(engine, grammar, text)]).toEqual([text, allowed.includes(text)]);
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
    [`${'('.repeat(100)}a${')'.repeat(100)}`, 'nested groups'],
    ['x'.repeat(5000), '4096'],
    ['a[^\\s\\S]', 'where none is allowed'],
  ])('refuses %s, saying why', (regex, why) => {
    expect(() => grammarOf(regex)).toThrow(
      expect.objectContaining({ code: 'grammar-invalid', message: expect.stringContaining(why) }),
    );
  });
});
