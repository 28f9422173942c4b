import { expect, it } from 'vitest';
import { schemaCheck } from './schema-check.ts';

const checkOf = (schema: unknown) => schemaCheck(JSON.stringify(schema));

it.each<[unknown, unknown, boolean]>([
  [{ uniqueItems: true }, [1, 2], true],
  [{ uniqueItems: true }, [1, 1], false],
  [{ type: 'string', format: 'email' }, 'a@b.org', true],
  [{ type: 'string', format: 'email' }, 'a', false],
  [{ type: 'string', format: 'date' }, '2024-02-29', true],
  [{ type: 'string', format: 'date' }, '2023-02-29', false],
  [{ not: { type: 'null' } }, null, false],
  [{ $defs: { a: { type: 'null' } }, $ref: '#/$defs/a' }, null, true],
  [{ prefixItems: [{ type: 'null' }], items: false }, [null, 1], false],
  // Unknown keywords and formats mean nothing.
  [{ 'x-note': 1, format: 'colour' }, 'red', true],
])('%j says of %j: %s', (schema, value, isValid) => {
  expect(checkOf(schema)(JSON.stringify(value)) === null).toBe(isValid);
});

it('takes doubles for the decimals that they stand for', () => {
  const check = checkOf({ type: 'number', multipleOf: 0.01 });
  expect(check('0.07')).toBeNull();
  expect(check('0.075')).toBe('it must be multiple of 0.01');
});

it('says where an answer is wrong, or that it is no JSON', () => {
  const check = checkOf({ properties: { tags: { uniqueItems: true } } });
  expect(check('{"tags":["a","a"]}')).toMatch(/^\/tags must NOT have duplicate items/);
  expect(check('{"tags":')).toBe('it is not JSON');
});

it('refuses a schema that the validator cannot read', () => {
  expect(() => checkOf({ $ref: '#/$defs/none' })).toThrow(
    expect.objectContaining({ code: 'grammar-invalid' }),
  );
});
