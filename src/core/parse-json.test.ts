import { expect, it } from 'vitest';
import { parseJson } from './parse-json.ts';

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
