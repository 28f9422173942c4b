import { describe, expect, it } from 'vitest';
import { allows, byteEngine } from './fakes/byte-engine.ts';
import { compiledText, GRAMMAR_LENGTH_MAX, grammarSource } from './grammar-request.ts';

const engine = await byteEngine();
const grammarOf = (gbnf: string): string => compiledText(grammarSource({ gbnf }));

const ARITHMETIC = `
# Sums of products.
root  ::= expr "=" ws term "\\n"
expr  ::= term ([-+*/] term)*
term  ::= ident | num | "(" ws expr ")" ws
ident ::= [a-z] [a-z0-9_]* ws
num   ::= [0-9]+ ws
ws    ::= [ \\t\\n]*
`;

describe('parseGbnf', () => {
  it.each([
    [ARITHMETIC, ['x=1\n', '(a +7)*b_2 = c\n', '(((1)))=x\n'], ['x=1', '1x=2\n', '()=1\n']],
    ['root ::= "a" | "b"\n  | "c"', ['a', 'b', 'c'], ['', 'ab']],
    ['root ::= ("x" |\n "y"){2,3}', ['xy', 'yyy'], ['x', 'xxxx']],
    ['root ::= "a"{2} "b"{1,} "c"{,2}', ['aab', 'aabbcc'], ['ab', 'aabccc']],
    ['root ::= [^"\\\\]+', ['hé', '日'], ['"', '\\', '']],
    ['root ::= [é日-本] . ', ['éx', '月😀'], ['e', 'éxx', '\u00c3x']],
    ['root ::= "\\x41\\u00e9\\U0001F600\\"\\\\\\n"', ['Aé😀"\\\n'], ['A']],
    ['root ::= [\\]\\-\\^a]+', [']-^a'], ['b']],
    ['root ::= "" | my-rule_2\nmy-rule_2 ::= "x" root', ['', 'xx'], ['y']],
    ['root::="a"#comment\nb::="c"', ['a'], ['ac']],
    // Left recursion is allowed.
    ['root ::= root "a" | "b"', ['b', 'baa'], ['a']],
    // A branch that can never end is dropped.
    ['root ::= "b" | "a" x\nx ::= "y" x', ['b'], ['a', 'ay']],
  ])('%j', async (gbnf, allowed, refused) => {
    const grammar = grammarOf(gbnf);
    for (const text of allowed) {
      expect([text, await allows(engine, grammar, text)]).toEqual([text, true]);
    }
    for (const text of refused) {
      expect([text, await allows(engine, grammar, text)]).toEqual([text, false]);
    }
  });

  it.each([
    ['', 'no rule named root'],
    ['foo ::= "a"', 'no rule named root'],
    ['root ::= "a" foo', 'line 1, column 14: there is no rule named foo'],
    ['root ::= "a', 'it ends too early'],
    ['root ::= "a\n"', 'does not end in its line'],
    ['root ::= [a-', 'it ends too early'],
    ['root ::= [b-a]', 'backwards'],
    ['root = "a"', '::= is missing'],
    ['root ::= ("a"', ') is missing'],
    ['root ::= "a")', 'the name of a rule is missing'],
    ['root ::= "a"{3,1}', 'counts backwards'],
    ['root ::= "a"{x}', 'a count is missing'],
    ['root ::= "a"{9999999999}', 'a count is missing or too large'],
    ['root ::= "\\q"', 'no escape \\q'],
    ['root ::= "\\uD800"', 'not a character'],
    ["root ::= 'a'", 'the name of a rule is missing'],
    ['root ::= "a"\nroot ::= "b"', 'line 2, column 1: the rule root is defined twice'],
    [`root ::= ${'('.repeat(100)}"a"${')'.repeat(100)}`, 'nested groups'],
    ['root ::= "a" <think>', 'line 1, column 14: <think> names a token'],
    ['root ::= <[1000]>', '<[1000]> names a token'],
    ['root ::= !<think>*', '!<think> names a token'],
    ['root ::= root', 'goes on without end'],
    ['root ::= a\na ::= b\nb ::= "x" a', 'goes on without end'],
    ['root ::= a\na ::= "x" b\nb ::= [^\\x00-\\U0010FFFF]\nc ::= c', 'where none is allowed'],
    ['root ::= "a"{200000}', 'too large'],
    ['root ::= (("a"{900}){900}){900}', 'too large'],
    [`root ::= "${'x'.repeat(GRAMMAR_LENGTH_MAX)}"`, `${GRAMMAR_LENGTH_MAX} are the limit`],
  ])('refuses %j, saying where and why', (gbnf, why) => {
    expect(() => grammarOf(gbnf)).toThrow(
      expect.objectContaining({ code: 'grammar-invalid', message: expect.stringContaining(why) }),
    );
  });
});
