import { describe, expect, it } from 'vitest';
import { type GrammarRequest, grammarSource } from './grammar-request.ts';

describe('grammarSource', () => {
  it.each<[unknown, string]>([
    [null, 'A grammar is given as null'],
    ['json', 'A grammar is given as a string'],
    [7, 'A grammar is given as a number'],
    [['json'], 'A grammar is given as a list'],
    [{}, 'no kind of grammar in {}'],
    [{ regex: 'a', gbnf: 'root ::= "a"' }, 'several ways: regex, gbnf'],
    [{ xml: true }, 'no kind of grammar "xml"'],
    [{ json: false }, 'no kind of grammar "json"'],
    [{ regex: 7 }, 'regex is not a text'],
    [{ jsonSchema: undefined }, 'jsonSchema is not a text'],
  ])('refuses %j, naming the fault', (request, why) => {
    expect(() => grammarSource(request as GrammarRequest)).toThrow(
      expect.objectContaining({ code: 'grammar-invalid', message: expect.stringContaining(why) }),
    );
  });
});
