import { expect, it } from 'vitest';
import { parseExactJson, parseJson } from './parse-json.ts';

it('returns the value of a JSON text; for other text, undefined or the error of the caller', () => {
  expect([parseJson('{"a":[1]}'), parseJson('null'), parseJson('{')]).toEqual([
    { a: [1] },
    null,
    undefined,
  ]);
  const refusal = (cause: unknown): Error => new Error('no JSON', { cause });
  expect(parseJson('1', refusal)).toBe(1);
  expect(() => parseJson('{', refusal)).toThrow(
    expect.objectContaining({ message: 'no JSON', cause: expect.any(SyntaxError) }),
  );
});

it('keeps numbers that a double does not hold as their text', () => {
  const refusal = (cause: unknown): Error => new Error('no JSON', { cause });
  const text =
    '{"a":9007199254740993,"b":9007199254740992,"c":0.1,"d":1e400,"e":-0.50,"a2":1,"a2":2}';
  expect(parseExactJson(text, refusal)).toEqual({
    a: '9007199254740993',
    b: expect.anything(),
    c: 0.1,
    d: '1e400',
    e: -0.5,
    a2: 2,
  });
  for (const wrong of ['{', '', '01234567890123456', '1234567890123456x']) {
    expect(() => parseExactJson(wrong, refusal), wrong).toThrow('no JSON');
  }
});
