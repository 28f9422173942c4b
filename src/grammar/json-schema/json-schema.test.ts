import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import { allows, byteEngine, randomText } from '../fakes/byte-engine.ts';
import { keptSchema } from '../fakes/kept-schema.ts';
import { anySchema } from '../fakes/random-schema.ts';
import {
  type CompiledGrammar,
  compiledGrammar,
  compiledText,
  GRAMMAR_LENGTH_MAX,
  grammarSource,
} from '../grammar-request.ts';

const engine = await byteEngine();
const ajv = new Ajv2020({ strict: false, logger: false });
formats.default(ajv);

const grammarOf = (jsonSchema: object | boolean | string): string =>
  compiledText(grammarSource({ jsonSchema }));

describe('jsonSchema', () => {
  it('allows only values that an independent validator accepts, for any schema', async () => {
    let textCount = 0;
    const numbers = fc.infiniteStream(fc.nat());
    await fc.assert(
      fc.asyncProperty(anySchema(), numbers, async (schema, stream) => {
        const compiled = compiledOrNull(schema);
        // Some random constraints exclude each other.
        if (compiled === null) return;
        const { text: grammar, unkept } = compiled;
        const validate = ajv.compile(keptSchema(schema, unkept));
        const pick = (count: number): number => (stream.next().value ?? 0) % count;
        for (let repeats = 0; repeats < 3; repeats += 1) {
          const bytes = await randomText(engine, grammar, pick);
          if (bytes === null) continue;
          textCount += 1;
          const text = bytes.toString('utf8');
          // Broken UTF-8 would come back as other bytes.
          expect(Buffer.from(text)).toEqual(bytes);
          const value: unknown = JSON.parse(text);
          expect([schema, text, validate(value)]).toEqual([schema, text, true]);
        }
      }),
      { numRuns: runs(30, 150) },
    );
    expect(textCount).toBeGreaterThan(0);
  });

  it('allows any JSON object as JSON.stringify writes it, compact or indented', async () => {
    const grammar = compiledText(grammarSource({ json: true }));
    const anyObject = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 2 }));
    await fc.assert(
      fc.asyncProperty(anyObject, fc.constantFrom(undefined, 2), async (object, indent) => {
        // Numbers with too many digits are left out.
        const shorter = (_: string, value: unknown): unknown =>
          typeof value === 'number' ? Number((value % 1e6).toPrecision(9)) : value;
        const text = JSON.stringify(object, shorter, indent).replace(/e-\d{3}/g, 'e-9');
        expect([text, await allows(engine, grammar, text)]).toEqual([text, true]);
      }),
      { numRuns: runs(100, 200) },
    );
    for (const text of ['[]', '1', '"a"', '{', '{"a":1,}', '{a:1}', '{"a":01}', '']) {
      expect(await allows(engine, grammar, text)).toBe(false);
    }
  });

  it.each<[object, readonly string[], readonly string[]]>([
    [{ type: 'integer', minimum: -12, maximum: 105 }, ['-12', '0', '105'], ['-13', '106', '1.0']],
    [{ type: 'integer', exclusiveMinimum: 9.5 }, ['10', '123456'], ['9', '-10']],
    [{ type: 'number', minimum: 0, exclusiveMaximum: 2 }, ['0', '1.999'], ['2', '2.0', '-0.5']],
    [{ type: 'number', exclusiveMinimum: -3, maximum: -1 }, ['-1', '-2.5', '-1.0'], ['-3', '-0.9']],
    [
      { type: 'string', minLength: 2, maxLength: 3 },
      ['"ab"', '"日本é"', '"a\\n"'],
      ['"a"', '"abcd"'],
    ],
    [{ type: 'string', pattern: '^["\\\\/]{2}$' }, ['"\\"\\\\"', '"//"'], ['"""', '"\\"']],
    [{ type: 'string', format: 'date' }, ['"2026-11-22"'], ['"2026-13-01"', '"2026-02-30"']],
    [{ enum: ['a"', 1, null] }, ['"a\\""', '1', 'null'], ['"a"', '2']],
    [{ type: ['integer', 'null'] }, ['7', 'null'], ['"7"']],
    [
      { properties: { a: { type: 'null' }, b: true }, required: ['b'] },
      ['{"b":[1]}', '{"a":null, "b": {}}', '{\n  "b": 1\n}'],
      ['{}', '{"b":1,"a":null}', '{"a":null}'],
    ],
    [
      { type: 'array', items: { const: 1 }, minItems: 1, maxItems: 2 },
      ['[1]', '[1, 1]'],
      ['[]', '[1,1,1]'],
    ],
    [
      { prefixItems: [{ const: 1 }], items: { const: 2 }, minItems: 2 },
      ['[1,2]', '[1,2,2]'],
      ['[1]', '[2]'],
    ],
    [{ $id: 'https://example.org/', properties: { $id: { type: 'null' } } }, ['{"$id":null}'], []],
    [{ type: 'string', format: 'constructor' }, ['"any"'], []],
    [
      {
        $defs: { n: { type: 'object', properties: { next: { $ref: '#/$defs/n' } } } },
        $ref: '#/$defs/n',
      },
      ['{}', '{"next":{"next":{}}}'],
      ['{"next":1}'],
    ],
  ])('%j allows %j and not %j', async (schema, allowed, refused) => {
    const grammar = grammarOf(schema);
    const validate = ajv.compile(schema);
    for (const text of allowed) {
      expect([text, await allows(engine, grammar, text)]).toEqual([text, true]);
      expect(validate(JSON.parse(text))).toBe(true);
    }
    for (const text of refused) {
      expect([text, await allows(engine, grammar, text)]).toEqual([text, false]);
    }
  });

  it.each<[object | boolean | string, string]>([
    ['{"type":', 'not JSON'],
    [false, 'at # allows nothing'],
    [{ type: 'foo' }, 'unknown "type": "foo"'],
    [{ type: 'number', multipleOf: 0 }, '"multipleOf" that is not above 0'],
    [{ not: {} }, 'Nothing matches'],
    [{ not: 5 }, 'is wrong'],
    [{ $ref: '#/nowhere' }, 'refers to "#/nowhere"'],
    [{ $ref: 'https://example.org/schema' }, 'not in this schema'],
    [{ $ref: '#' }, 'goes on without end'],
    [{ type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] }, 'goes on without end'],
    [{ allOf: [{ type: 'object' }, { type: 'string' }] }, 'Nothing matches'],
    [{ enum: [] }, 'not a list of values'],
    [{ type: 'integer', enum: ['a'] }, 'allows no value'],
    [{ type: 'string', minLength: 5, maxLength: 3 }, 'no string of 5 to 3'],
    [{ type: 'string', minLength: -1 }, 'not a count'],
    [{ type: 'number', exclusiveMinimum: 3, maximum: 3 }, 'no number from 3 to 3'],
    [{ type: 'number', minimum: 3, exclusiveMaximum: 3 }, 'no number from 3 to 3'],
    [{ type: 'integer', exclusiveMinimum: 3, exclusiveMaximum: 4 }, 'no number from 4 to 3'],
    [{ type: 'integer', minimum: 5, maximum: 3 }, 'no number from 5 to 3'],
    [{ prefixItems: [true, true, true], items: false, minItems: 3, maxItems: 2 }, 'too few items'],
    [{ prefixItems: [true], items: false, minItems: 2 }, 'too few items'],
    ['{"const":1e400}', 'has a number beyond'],
    ['{"enum":[1,{"a":[-1e400]}]}', 'has a number beyond'],
    [{ const: Number.POSITIVE_INFINITY }, 'is not JSON'],
    [{ properties: { a: { $id: 'https://example.org/a' } } }, 'at #/properties/a has "$id"'],
    [{ $defs: { a: { $id: 'a', $defs: { b: true } } }, $ref: '#/$defs/a/$defs/b' }, 'has "$id"'],
    [{ type: 'string', pattern: '^[\\ud800-\\udfff]$' }, 'where none is allowed'],
    [
      { type: 'object', required: ['a'], additionalProperties: false },
      'allows nothing, yet "a" is required',
    ],
    [{ type: 'object', patternProperties: { '(': true } }, 'wrong pattern of names'],
    [{ type: 'object', maxProperties: 1, required: ['a', 'b'] }, 'no object of 2 to 1 properties'],
    [{ $dynamicRef: '#node' }, 'has "$dynamicRef"'],
    ['{"minLength":1,"minLength":2}', 'is not JSON that'],
    [nested(100), 'deeper than 64'],
    [`{"enum":["${'x'.repeat(GRAMMAR_LENGTH_MAX)}"]}`, 'are the limit'],
    ['{"items":'.repeat(5000), 'not JSON'],
    [`${'{"items":'.repeat(5000)}{}${'}'.repeat(5000)}`, 'deep'],
  ])('refuses %j: %s', (schema, why) => {
    expect(() => grammarOf(schema)).toThrow(
      expect.objectContaining({ code: 'grammar-invalid', message: expect.stringContaining(why) }),
    );
  });

  it('follows chains of references of any length', async () => {
    const count = 100;
    const $defs = Object.fromEntries(
      Array.from({ length: count }, (_, index) => {
        const next = index + 1 < count ? { $ref: `#/$defs/d${index + 1}` } : { type: 'null' };
        return [`d${index}`, { type: 'array', items: next, minItems: 1, maxItems: 1 }];
      }),
    );
    const grammar = grammarOf({ $defs, $ref: '#/$defs/d0' });
    const text = (depth: number): string => `${'['.repeat(depth)}null${']'.repeat(depth)}`;
    expect(await allows(engine, grammar, text(count))).toBe(true);
    expect(await allows(engine, grammar, text(count - 1))).toBe(false);
  });

  it('refuses objects that are not JSON', () => {
    const cyclic: Record<string, unknown> = { type: 'object' };
    cyclic['properties'] = { self: cyclic };
    for (const schema of [cyclic, { const: 1n }]) {
      expect(() => grammarOf(schema)).toThrow(expect.objectContaining({ code: 'grammar-invalid' }));
    }
  });
});

function compiledOrNull(schema: object): CompiledGrammar | null {
  try {
    return compiledGrammar(grammarSource({ jsonSchema: schema }));
  } catch (error) {
    expect(error).toMatchObject({
      code: 'grammar-invalid',
      message: expect.stringMatching(/^Nothing matches|allows no/),
    });
    return null;
  }
}

function nested(depth: number): object {
  return depth === 0 ? { type: 'null' } : { type: 'array', items: nested(depth - 1) };
}
