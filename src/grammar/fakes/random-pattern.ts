/** Random regular expressions, and texts that match them now and then, for property tests. */
import fc from 'fast-check';

const atom = fc.constantFrom(
  ...['a', 'b', 'ab', '.', '[ab]', '[^ab]', '[a-cé]', '\\d', '\\W', '\\s', '\\.', '\\n', 'é', '日'],
  ...['[\\d\\-x]', '[^\\s"]', '\\u{1F600}', '\\u00e9', '[\\]\\\\]', '(?:)', '\\x41', '[^]', ' '],
);
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,}', '{0,2}', '*?');
const patterns = fc.letrec<{ pattern: string; term: string }>((tie) => ({
  pattern: fc
    .array(fc.array(tie('term'), { maxLength: 2 }), { minLength: 1, maxLength: 3 })
    .map((options) => options.map((terms) => terms.join('')).join('|')),
  term: fc.oneof(
    { maxDepth: 1 },
    fc.tuple(atom, quantifier).map(([a, q]) => a.replace(/^ab$/, '(ab)') + q),
    fc.tuple(tie('pattern'), quantifier).map(([inner, q]) => `(${inner})${q}`),
  ),
}));

export const pattern: fc.Arbitrary<string> = patterns.pattern;

/** Texts that match such patterns now and then. */
export const anyText: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom('a', 'b', 'c', 'é', '日', '😀', '1', ' ', '\n', '.', '"', '\\', 'x', 'A'),
    {
      maxLength: 6,
    },
  )
  .map((characters) => characters.join(''));

/** Alternatives with and without anchors at their ends. */
export const anchoredPattern: fc.Arbitrary<string> = fc
  .array(fc.tuple(fc.constantFrom('', '^'), pattern, fc.constantFrom('', '$')), {
    minLength: 1,
    maxLength: 2,
  })
  .map((options) => options.map(([start, inner, end]) => `${start}(?:${inner})${end}`).join('|'));
