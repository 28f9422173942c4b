/** Schemas as people write them: what is valid is allowed, and what is allowed is valid. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { allows, byteEngine, randomText } from '../fakes/byte-engine.ts';
import { keptSchema } from '../fakes/kept-schema.ts';
import { compiledGrammar, grammarSource } from '../grammar-request.ts';

const engine = await byteEngine();
const ajv = new Ajv2020({ strict: false, logger: false, multipleOfPrecision: 9 });
formats.default(ajv);

interface Case {
  readonly name: string;
  /** A text where a number needs more digits than a double has. */
  readonly schema: object | string;
  readonly valid: readonly string[];
  readonly invalid?: readonly string[];
  readonly unkept?: readonly string[];
}

const string = (schema: object): object => ({ type: 'string', ...schema });
const long = (count: number): string => JSON.stringify('x'.repeat(count));
const quote = (texts: readonly string[]): string[] => texts.map((text) => JSON.stringify(text));

const STRINGS: readonly Case[] = [
  {
    name: 'date',
    schema: string({ format: 'date' }),
    valid: quote(['2024-02-29', '2000-02-29', '0400-02-29', '2026-12-31', '2023-02-28']),
    invalid: quote(['2023-02-29', '1900-02-29', '2024-02-30', '2024-04-31', '2024-13-01']),
  },
  {
    name: 'date-time',
    schema: string({ format: 'date-time' }),
    valid: quote(['2024-02-29T12:00:00Z', '1990-12-31T23:59:60Z', '2024-01-01t00:00:00.25+05:30']),
    invalid: quote(['2023-02-29T12:00:00Z', '2024-01-01T12:00:60Z', '2024-01-01T00:00:00']),
  },
  {
    name: 'time',
    schema: string({ format: 'time' }),
    valid: quote(['00:00:00Z', '23:59:59.123456789-23:59', '23:59:60+00:00']),
    invalid: quote(['24:00:00Z', '12:00:00', '12:00:60Z']),
  },
  {
    name: 'uuid',
    schema: string({ format: 'uuid' }),
    valid: quote(['F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6']),
    invalid: quote(['f81d4fae7dec11d0a76500a0c91e6bf6', 'g81d4fae-7dec-11d0-a765-00a0c91e6bf6']),
  },
  {
    name: 'email',
    schema: string({ format: 'email' }),
    valid: quote(['me@example.org', 'a.b+c_d@mail.example.co.uk', "o'neil@x-y.de"]),
    invalid: quote(['me', 'me@', '@example.org', 'a..b@example.org', 'me@-x.org', 'a b@c.de']),
  },
  {
    name: 'ipv4',
    schema: string({ format: 'ipv4' }),
    valid: quote(['0.0.0.0', '192.168.1.255', '8.8.8.8']),
    invalid: quote(['256.1.1.1', '1.2.3', '01.2.3.4']),
  },
  {
    name: 'ipv6',
    schema: string({ format: 'ipv6' }),
    valid: quote([
      '::',
      '::1',
      '2001:DB8::8a2e:370:7334',
      'fe80::',
      '1:2:3:4:5:6:7:8',
      '::ffff:1.2.3.4',
    ]),
    invalid: quote(['1:2:3', ':::', '1::2::3', '12345::', '1:2:3:4:5:6:7:8:9']),
  },
  {
    name: 'uri',
    schema: string({ format: 'uri' }),
    valid: quote([
      ...['https://example.org/a/b?c=d&e=%20#f', 'mailto:me@example.org', 'urn:isbn:0451450523'],
      ...['http://[2001:db8::1]:8080/', 'file:///etc/hosts', 'ftp://user:pw@ftp.example.org'],
    ]),
    invalid: quote(['example.org', '/a/b', 'http://a b', 'http://%zz']),
  },
  {
    name: 'hostname',
    schema: string({ format: 'hostname' }),
    valid: quote(['example.org', 'a-b.c1', 'localhost']),
    invalid: quote(['-a', 'a_b', 'a..b']),
    unkept: ['#: format'],
  },
  {
    name: 'duration',
    schema: string({ format: 'duration' }),
    valid: quote(['P1Y2M3DT4H5M6S', 'PT36H', 'P4W', 'P1D']),
    invalid: quote(['P', 'PT', 'P1Y2W', '1D']),
  },
  {
    name: 'json-pointer',
    schema: string({ format: 'json-pointer' }),
    valid: quote(['', '/a/b~1c/~0', '/é"']),
    invalid: quote(['a', '/~2']),
  },
  {
    name: 'byte',
    schema: string({ format: 'byte' }),
    valid: quote(['', 'QUJD', 'QQ==', 'QUI=']),
    invalid: quote(['Q', 'QQ=']),
  },
  {
    name: 'an unknown format',
    schema: string({ format: 'colour' }),
    valid: quote(['any']),
  },
  {
    name: 'a long string',
    schema: string({ maxLength: 200 }),
    valid: ['""', long(200)],
    unkept: ['#: maxLength'],
  },
  {
    name: 'a string with control characters',
    schema: string({ maxLength: 3 }),
    valid: ['"\\u0001\\n\\u001f"', '"😀😀😀"'],
    invalid: ['"abcd"'],
  },
  {
    name: 'a pattern with a great length',
    schema: string({ pattern: '^[a-z]+$', minLength: 2, maxLength: 200 }),
    valid: ['"ab"', long(200)],
    invalid: ['"a"', '"A"', long(201)],
  },
  {
    name: 'a short pattern with a length',
    schema: string({ pattern: '^[a-z]+$', minLength: 2, maxLength: 20 }),
    valid: ['"ab"', long(20)],
    invalid: ['"a"', '"A"', long(21)],
  },
  {
    name: 'a format with a length',
    schema: string({ format: 'date', maxLength: 30 }),
    valid: ['"2024-02-29"'],
    invalid: ['"2024-02-30"'],
  },
  {
    name: 'two patterns',
    schema: { allOf: [string({ pattern: '^a' }), { pattern: 'z$' }] },
    valid: ['"az"', '"a z"'],
    invalid: ['"a"', '"z"'],
  },
  {
    name: 'a pattern with look-around',
    schema: string({ pattern: '^(?=.*\\d).{3,}$' }),
    valid: ['"abc1"'],
    unkept: ['#: pattern'],
  },
];

const NUMBERS: readonly Case[] = [
  {
    name: 'a decimal bound',
    schema: { type: 'number', minimum: 0.5, maximum: 99.25 },
    valid: ['0.5', '0.50', '0.51', '1', '99.25', '99.2', '42.123456789'],
    invalid: ['0.49', '0.4999999', '0', '99.26', '99.251', '-1', '100'],
  },
  {
    name: 'exclusive decimal bounds',
    schema: { type: 'number', exclusiveMinimum: -0.5, exclusiveMaximum: 0.5 },
    valid: ['-0.4999', '0', '0.49999', '-0.1'],
    invalid: ['-0.5', '0.5', '0.50', '1', '-0.51'],
  },
  {
    name: 'a lower bound alone',
    schema: { type: 'number', exclusiveMinimum: 0 },
    valid: ['0.001', '1', '123456789.25'],
    invalid: ['0', '0.0', '-1'],
  },
  {
    name: 'int64',
    schema: '{"type":"integer","minimum":-9223372036854775808,"maximum":9223372036854775807}',
    valid: ['9223372036854775807', '-9223372036854775808', '0'],
    invalid: ['9223372036854775808', '-9223372036854775809'],
  },
  {
    name: 'formats of integers',
    schema: { type: 'integer', format: 'int32' },
    valid: ['2147483647', '-2147483648'],
    invalid: ['2147483648', '1.5'],
  },
  {
    name: 'an integer of 19 digits',
    schema: { type: 'integer' },
    valid: ['9223372036854775807'],
  },
  {
    name: 'a multiple',
    schema: { type: 'integer', multipleOf: 5, minimum: 3, maximum: 1000 },
    valid: ['5', '10', '1000', '995'],
    invalid: ['0', '7', '1005', '12'],
  },
  {
    name: 'cents',
    // The judge divides doubles, which are exact only up to a size.
    schema: { type: 'number', multipleOf: 0.01, minimum: 0, maximum: 1000 },
    valid: ['0', '0.5', '12.34', '7'],
    invalid: ['0.005', '-1', '1.234'],
  },
  {
    name: 'a large multiple',
    schema: { type: 'integer', multipleOf: 1001 },
    valid: ['2002'],
    unkept: ['#: multipleOf'],
  },
  {
    name: 'two multiples and a bound',
    schema: {
      allOf: [
        { type: 'integer', multipleOf: 2 },
        { type: 'number', multipleOf: 3, minimum: 1, maximum: 999 },
      ],
    },
    valid: ['6', '12'],
    invalid: ['0', '2', '3'],
  },
];

const ab = { a: { type: 'integer' }, b: { type: 'null' } };
const OBJECTS: readonly Case[] = [
  {
    name: 'extras of one schema',
    schema: { type: 'object', properties: ab, additionalProperties: { type: 'boolean' } },
    valid: ['{}', '{"a":1,"c":true}', '{"c":true,"aa":false}', '{"":true}', '{"é\\"":true}'],
    invalid: ['{"a":true}', '{"a":1,"a":true}', '{"c":1}', '{"\\u0061":true}'],
  },
  {
    name: 'extras of any schema',
    schema: { type: 'object', properties: ab, required: ['a'] },
    valid: ['{"a":1}', '{"a":1,"b":null,"z":[1]}', '{"a":1,"ab":{}}'],
    invalid: ['{"b":null}', '{"a":1,"b":1}', '{"z":1}'],
  },
  {
    name: 'counted properties',
    schema: { type: 'object', properties: ab, additionalProperties: false, minProperties: 1 },
    valid: ['{"a":1}', '{"b":null}', '{"a":1,"b":null}'],
    invalid: ['{}'],
  },
  {
    name: 'at most one property',
    schema: { type: 'object', properties: ab, maxProperties: 1 },
    valid: ['{}', '{"a":1}', '{"c":1}'],
    invalid: ['{"a":1,"b":null}', '{"a":1,"c":1}'],
  },
  {
    name: 'counted extras',
    schema: { type: 'object', minProperties: 2 },
    valid: ['{"a":1,"b":2}'],
    invalid: ['{"a":1}'],
    unkept: ['#: minProperties'],
  },
  {
    name: 'names by pattern',
    schema: {
      type: 'object',
      patternProperties: { '^x_': { type: 'integer' } },
      additionalProperties: false,
    },
    valid: ['{}', '{"x_a":1,"x_b":2}'],
    invalid: ['{"a":1}', '{"x_a":"1"}'],
  },
  {
    name: 'names by pattern beside others',
    schema: { type: 'object', properties: ab, patternProperties: { '^a': { minimum: 3 } } },
    valid: ['{"a":3,"b":null,"c":1}', '{"aa":4}'],
    invalid: ['{"a":1}'],
    unkept: ['#: patternProperties'],
  },
  {
    name: 'propertyNames',
    schema: {
      type: 'object',
      propertyNames: { pattern: '^[a-z]+$' },
      additionalProperties: { type: 'integer' },
    },
    valid: ['{"ab":1}'],
    invalid: ['{"A":1}', '{"ab":"1"}'],
  },
  {
    name: 'dependentRequired',
    schema: {
      type: 'object',
      properties: ab,
      dependentRequired: { a: ['b'] },
      additionalProperties: false,
    },
    valid: ['{}', '{"b":null}', '{"a":1,"b":null}'],
    invalid: ['{"a":1}'],
  },
  {
    name: 'unevaluatedProperties',
    schema: { type: 'object', allOf: [{ properties: ab }], unevaluatedProperties: false },
    valid: ['{"a":1,"b":null}'],
    unkept: ['#: unevaluatedProperties'],
  },
];

const card = { type: 'object', properties: { tag: { const: 'card' }, no: { type: 'integer' } } };
const cash = { type: 'object', properties: { tag: { const: 'cash' } } };
const COMBINED: readonly Case[] = [
  {
    name: 'allOf of two objects',
    schema: {
      allOf: [
        { type: 'object', properties: { a: { type: 'integer', minimum: 0 } }, required: ['a'] },
        { type: 'object', properties: { a: { maximum: 9 }, b: { type: 'string' } } },
      ],
    },
    valid: ['{"a":9,"b":"x"}', '{"a":0}'],
    invalid: ['{"a":10}', '{"a":-1}', '{"b":"x"}', '{"a":1,"b":1}'],
  },
  {
    name: 'anyOf of required',
    schema: {
      ...{ type: 'object', properties: ab, additionalProperties: false },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    valid: ['{"a":1}', '{"b":null}', '{"a":1,"b":null}'],
    invalid: ['{}'],
  },
  {
    name: 'a tagged union with an optional tag',
    schema: { oneOf: [card, { ...cash, required: ['tag'] }] },
    valid: ['{"tag":"card","no":1}', '{"no":1}', '{"tag":"cash"}'],
    invalid: ['{"tag":"other"}'],
    unkept: ['#: oneOf'],
  },
  {
    name: 'a tagged union with a tag',
    schema: {
      oneOf: [
        { ...card, required: ['tag'] },
        { ...cash, required: ['tag'] },
      ],
    },
    valid: ['{"tag":"card","no":1}', '{"tag":"cash"}'],
    invalid: ['{"no":1}'],
  },
  {
    name: 'oneOf of overlapping types',
    schema: { oneOf: [{ type: 'integer' }, { type: 'number', minimum: 2 }] },
    valid: ['1', '2.5'],
    unkept: ['#: oneOf'],
  },
  {
    name: 'if, then and else',
    schema: {
      type: 'object',
      properties: { kind: { enum: ['a', 'b'] }, size: { type: 'integer' } },
      required: ['kind'],
      additionalProperties: false,
      if: { properties: { kind: { const: 'a' } }, required: ['kind'] },
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
      then: { required: ['size'] },
      else: { properties: { size: false } },
    },
    valid: ['{"kind":"a","size":1}', '{"kind":"b"}'],
    invalid: ['{"kind":"a"}', '{"kind":"b","size":1}'],
  },
  {
    name: 'not a value',
    schema: string({ not: { enum: ['', 'none'] } }),
    valid: ['"a"', '"nones"', '"non"'],
    invalid: ['""', '"none"'],
  },
  {
    name: 'not a type',
    schema: { not: { type: ['object', 'array'] } },
    valid: ['1', '"a"', 'null'],
    invalid: ['{}', '[]'],
  },
  {
    name: 'not a schema without an opposite',
    schema: string({ not: { pattern: '^x' } }),
    valid: ['"a"'],
    unkept: ['#: not'],
  },
  {
    name: 'enum beside other keywords',
    schema: { type: 'string', enum: ['a', 'abc', 'abcd', 7], maxLength: 3, pattern: 'b' },
    valid: ['"abc"'],
    invalid: ['"a"', '"abcd"', '7'],
  },
  {
    name: '$ref beside other keywords',
    schema: { $defs: { n: { type: 'integer', minimum: 0 } }, $ref: '#/$defs/n', maximum: 9 },
    valid: ['0', '9'],
    invalid: ['-1', '10'],
  },
  {
    name: '$anchor',
    schema: { $defs: { n: { $anchor: 'count', type: 'integer' } }, items: { $ref: '#count' } },
    valid: ['[1,2]'],
    invalid: ['["a"]'],
  },
  {
    name: 'a list of types with null',
    schema: { type: ['string', 'null'], maxLength: 2 },
    valid: ['null', '"ab"'],
    invalid: ['"abc"', '1'],
  },
  {
    name: 'allOf of recursive schemas',
    schema: {
      $defs: {
        a: { type: 'object', properties: { next: { $ref: '#/$defs/a' } } },
        b: { type: 'object', properties: { next: { $ref: '#/$defs/b' }, n: { type: 'null' } } },
      },
      allOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }],
    },
    valid: ['{"next":{"next":{"n":null}}}'],
    invalid: ['{"next":{"n":1}}', '{"next":1}'],
  },
];

const ARRAYS: readonly Case[] = [
  {
    name: 'many items',
    schema: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 1000 },
    valid: ['[1,2]', JSON.stringify(Array(1000).fill(1)), JSON.stringify(Array(513).fill(1))],
    invalid: ['[1]', JSON.stringify(Array(1001).fill(1))],
  },
  {
    name: 'a tuple that may end early',
    schema: { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'null' }], items: false },
    valid: ['[]', '[1]', '[1,null]'],
    invalid: ['[null]', '[1,null,1]'],
  },
  {
    name: 'uniqueItems and contains',
    schema: { type: 'array', uniqueItems: true, contains: { const: 1 }, maxItems: 3 },
    valid: ['[1,2]'],
    unkept: ['#: uniqueItems', '#: contains'],
  },
];

const CASES = [...STRINGS, ...NUMBERS, ...OBJECTS, ...COMBINED, ...ARRAYS];

describe.each(CASES)('$name', ({ schema, valid, invalid = [], unkept = [] }) => {
  const source = grammarSource({ jsonSchema: schema });
  const compiled = compiledGrammar(source);
  const plain = JSON.parse(source.text) as object;

  it('names what the grammar does not carry, and refuses it in strict mode', () => {
    expect(compiled.unkept).toEqual(unkept);
    const strict = (): unknown => compiledGrammar({ ...source, strict: true });
    if (unkept.length === 0) expect(strict()).toEqual(compiled);
    else expect(strict).toThrow(expect.objectContaining({ code: 'grammar-invalid' }));
  });

  it('allows what is valid and refuses what is not', async () => {
    const validate = ajv.compile(plain);
    for (const text of valid) {
      expect([text, validate(JSON.parse(text))]).toEqual([text, true]);
      expect([text, await allows(engine, compiled.text, text)]).toEqual([text, true]);
    }
    for (const text of invalid) {
      const isAllowed = await allows(engine, compiled.text, text);
      // A superset may allow it; then a listed constraint refuses it.
      if (unkept.length === 0) expect([text, isAllowed]).toEqual([text, false]);
    }
  });

  it('allows only texts that an independent validator accepts', async () => {
    const validate = ajv.compile(keptSchema(plain, compiled.unkept));
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat()), async (stream) => {
        const pick = (count: number): number => (stream.next().value ?? 0) % count;
        const bytes = await randomText(engine, compiled.text, pick);
        if (bytes === null) return;
        const text = bytes.toString('utf8');
        expect([text, validate(JSON.parse(text))]).toEqual([text, true]);
      }),
      { numRuns: runs(6, 100) },
    );
  });
});
