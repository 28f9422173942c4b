import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RUNS_ARE_FULL, runs } from '../../../test/runs.ts';
import { allows, byteEngine } from '../fakes/byte-engine.ts';
import { anchoredPattern, anyText } from '../fakes/random-pattern.ts';
import { compiledText, grammarSource } from '../grammar-request.ts';

const engine = await byteEngine();
const grammarOf = (pattern: string): string =>
  compiledText(grammarSource({ jsonSchema: { type: 'string', pattern } }));

describe('pattern', () => {
  it.each([
    ['^[A-Z]', ['A', 'Zurich', 'A"b\n'], ['', 'a', 'aZ']],
    ['@', ['@', 'me@example.org'], ['', 'me']],
    ['z$', ['z', 'jazz'], ['za', '']],
    ['^a|b$', ['a', 'ax', 'b', 'xb'], ['xa', 'bx']],
    ['^ab$', ['ab'], ['xab', 'abx']],
    ['^\\d{3}-\\d{4}$', ['555-0199'], ['1555-0199', '555-01999']],
    ['', ['', 'any'], []],
  ])('%j is searched for in the whole string', async (pattern, allowed, refused) => {
    const grammar = grammarOf(pattern);
    for (const text of [...allowed, ...refused]) {
      const json = JSON.stringify(text);
      expect([text, await allows(engine, grammar, json)]).toEqual([text, allowed.includes(text)]);
    }
  });

  it('allows exactly the strings in which JavaScript finds it', async () => {
    const outcomes = { found: 0, missing: 0 };
    await fc.assert(
      fc.asyncProperty(
        anchoredPattern,
        fc.array(anyText, { maxLength: 6 }),
        async (pattern, texts) => {
          let grammar: string;
          try {
            grammar = grammarOf(pattern);
          } catch (error) {
            expect(error).toMatchObject({ code: 'grammar-invalid' });
            return;
          }
          for (const text of texts) {
            const isFound = new RegExp(pattern, 'u').test(text);
            const isAllowed = await allows(engine, grammar, JSON.stringify(text));
            expect([pattern, text, isAllowed]).toEqual([pattern, text, isFound]);
            outcomes[isFound ? 'found' : 'missing'] += 1;
          }
        },
      ),
      { numRuns: runs(30, 200) },
    );
    // On average there are several times more of each.
    if (RUNS_ARE_FULL) expect(Math.min(outcomes.found, outcomes.missing)).toBeGreaterThan(10);
  });
});
