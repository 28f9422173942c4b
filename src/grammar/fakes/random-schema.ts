/** Random JSON schemas with every feature that constrained output supports, for property tests. */
import fc from 'fast-check';

type Schema = Record<string, unknown>;

const name = fc.constantFrom('a', 'b', 'name', 'k"\\é', '日本', '');
const plainValue = fc.constantFrom('x', 'a"b', 1, -2.5, null, true, 'é');
const count = fc.nat({ max: 3 });

/** @param depth the nesting of objects and arrays */
export function anySchema(depth = 2): fc.Arbitrary<Schema> {
  const simple = fc.oneof(
    integers(),
    numbers(),
    strings(),
    fc.constant({ type: 'boolean' }),
    fc.constant({ type: ['string', 'null'], title: 'Text' }),
    fc.record({ const: plainValue }),
    fc.record({ enum: fc.uniqueArray(plainValue, { minLength: 1, maxLength: 3 }) }),
  );
  if (depth === 0) return simple;
  const inner = anySchema(depth - 1);
  return fc.oneof(
    { weight: 2, arbitrary: simple },
    { weight: 3, arbitrary: objects(inner) },
    { weight: 2, arbitrary: arrays(inner) },
    { weight: 1, arbitrary: fc.record({ anyOf: fc.array(inner, { minLength: 1, maxLength: 3 }) }) },
    { weight: 1, arbitrary: marked(inner) },
    { weight: 1, arbitrary: recursive(inner) },
    { weight: 2, arbitrary: combined(inner) },
  );
}

function integers(): fc.Arbitrary<Schema> {
  const bound = fc.integer({ min: -1200, max: 1200 });
  return fc.oneof(
    fc.constant({ type: 'integer' }),
    fc.tuple(bound, fc.nat({ max: 2000 })).map(([minimum, width]) => {
      return { type: 'integer', minimum, maximum: minimum + width };
    }),
    bound.map((exclusiveMinimum) => ({ type: 'integer', exclusiveMinimum })),
    bound.map((maximum) => ({ type: 'integer', maximum })),
    fc.tuple(bound, fc.integer({ min: 1, max: 300 })).map(([minimum, multipleOf]) => {
      return { type: 'integer', minimum, maximum: 10_000, multipleOf };
    }),
  );
}

function numbers(): fc.Arbitrary<Schema> {
  const bound = fc.integer({ min: -30, max: 30 });
  return fc.oneof(
    fc.constant({ type: 'number' }),
    fc.tuple(bound, fc.integer({ min: 1, max: 40 })).map(([minimum, width]) => {
      return { type: 'number', minimum, exclusiveMaximum: minimum + width };
    }),
    bound.map((exclusiveMinimum) => ({ type: 'number', exclusiveMinimum })),
    fc.tuple(bound, fc.integer({ min: 1, max: 4000 })).map(([low, width]) => {
      return { type: 'number', exclusiveMinimum: low / 4, maximum: (low * 250 + width) / 1000 };
    }),
  );
}

function strings(): fc.Arbitrary<Schema> {
  return fc.oneof(
    fc.constant({ type: 'string' }),
    fc.tuple(count, count).map(([minLength, more]) => {
      return { type: 'string', minLength, maxLength: minLength + more };
    }),
    fc
      .constantFrom('^[a-z]{2,4}$', '^(yes|no|"maybe")$', '^\\d+\\s?\\S$', '[^b]', '^x|y$')
      .map((pattern) => {
        return { type: 'string', pattern };
      }),
  );
}

function objects(inner: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.dictionary(name, inner, { minKeys: 1, maxKeys: 3 }).chain((properties) =>
        fc.record({
          type: fc.constant('object'),
          properties: fc.constant(properties),
          required: fc.subarray(Object.keys(properties)),
          additionalProperties: fc.constantFrom(true, false, { type: 'null' }),
        }),
      ),
    },
    {
      weight: 1,
      arbitrary: inner.map((value) => ({ type: 'object', additionalProperties: value })),
    },
    { weight: 1, arbitrary: fc.constant({ type: 'object', required: ['z'] }) },
  );
}

function arrays(inner: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  return fc.oneof(
    fc.tuple(inner, count, count).map(([items, minItems, more]) => {
      return { type: 'array', items, minItems, maxItems: minItems + more };
    }),
    fc
      .tuple(fc.array(inner, { minLength: 1, maxLength: 2 }), fc.option(inner))
      .map(([prefix, rest]) => {
        return { type: 'array', prefixItems: prefix, items: rest ?? false };
      }),
  );
}

/** Keywords that only work together with others. */
function combined(inner: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  const part = objects(inner);
  return fc.oneof(
    fc.tuple(inner, inner).map((oneOf) => ({ oneOf })),
    fc.tuple(inner, inner).map(([only, not]) => ({ allOf: [only], not })),
    fc.tuple(inner, inner, inner).map(([condition, yes, no]) => {
      return Object.fromEntries([
        ['type', ['object', 'string', 'null', 'boolean']],
        ...[
          ['if', condition],
          ['then', yes],
          ['else', no],
        ],
      ]) as Schema;
    }),
    fc.tuple(part, part).map((allOf) => ({ type: ['object', 'null'], allOf, required: ['a'] })),
    fc.tuple(part, count, count).map(([schema, minProperties, more]) => {
      return { allOf: [schema], minProperties, maxProperties: minProperties + more };
    }),
    fc.tuple(part, name, name).map(([schema, a, b]) => {
      return { ...schema, dependentRequired: { [a]: [b] }, propertyNames: { maxLength: 8 } };
    }),
  );
}

/** Objects that differ in the value of a marker property. */
function marked(inner: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  return fc.tuple(inner, inner).map(([a, b]) => {
    const option = (mark: string, value: Schema): Schema => {
      return { type: 'object', properties: { kind: { const: mark }, value }, required: ['kind'] };
    };
    return { oneOf: [option('a', a), option('b', b), { type: 'null' }] };
  });
}

function recursive(inner: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  return inner.map((value) => ({
    type: 'object',
    properties: { value, next: { anyOf: [{ type: 'null' }, { $ref: '#' }] } },
    required: ['next'],
  }));
}
