/** The table of docs/SCHEMAS.md, against the code. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compiledGrammar, grammarSource } from '../grammar-request.ts';
import { CONSTRAINTS, REFUSED_KEYWORDS } from './schema-keywords.ts';
import { CHECKED_FORMATS, EXACT_FORMATS } from './string-formats.ts';

const page = readFileSync(new URL('../../../docs/SCHEMAS.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(.+?)` \| (\w+) \| `(.+?)` \|/gm)].map(
  ([, keyword = '', how = '', schema = '']) => ({ keyword, how, schema }),
);

describe('the table of keywords', () => {
  it('has every keyword, and no other', () => {
    const keywords = [...new Set(rows.map(({ keyword }) => keyword))].sort();
    expect(keywords).toEqual([...CONSTRAINTS, ...REFUSED_KEYWORDS].sort());
  });

  it.each(rows)('$keyword is $how: $schema', ({ keyword, how, schema }) => {
    expect(Object.keys(JSON.parse(schema) as object)).toContain(keyword);
    const source = grammarSource({ jsonSchema: schema });
    if (how === 'refused') {
      const message = expect.stringContaining(`"${keyword}"`);
      expect(() => compiledGrammar(source)).toThrow(expect.objectContaining({ message }));
      return;
    }
    const { unkept } = compiledGrammar(source);
    // A count of matches is checked with what it counts.
    const checked = keyword === 'minContains' ? 'contains' : keyword;
    if (how === 'checked') expect(unkept).toContain(`#: ${checked}`);
    else expect([how, unkept]).toEqual(['exact', []]);
  });
});

describe('the list of formats', () => {
  it.each([
    ['Exact', [...EXACT_FORMATS, 'int32', 'int64']],
    ['Checked', CHECKED_FORMATS],
  ])('%s', (how, formats) => {
    const line = new RegExp(`^${how}: (.*?)\\.`, 'm').exec(page)?.[1] ?? '';
    const named = [...line.matchAll(/`(.+?)`/g)].flatMap(([, name]) => name ?? []);
    expect(named.sort()).toEqual([...formats].sort());
  });
});
