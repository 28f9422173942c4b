/**
 * JSON Schema as grammar. What is valid belongs to the grammar, except that properties come in the
 * schema's order and that white space and numbers have few spellings. A constraint that the grammar
 * does not carry is listed.
 */
import { choice, type Expression, type Grammar, rule, text } from '../expression.ts';
import { withAlternatives } from './alternatives.ts';
import { arrayOf } from './array-schema.ts';
import { areDisjoint } from './disjoint.ts';
import { fixedValue } from './fixed-value.ts';
import { anyArray, anyObject, anyValue, jsonRules, nullValue } from './json-values.ts';
import { numberOf } from './number-schema.ts';
import { objectOf } from './object-schema.ts';
import { inside, type ObjectPlace, type Place, placeAt, reduced } from './place.ts';
import { References } from './references.ts';
import type { SchemaConverter } from './schema-converter.ts';
import {
  constrains,
  isObject,
  type Json,
  KEYWORDS_OF_TYPE,
  listOf,
  type SchemaType,
  schemaError,
  without,
} from './schema-keywords.ts';
import { typesOf } from './schema-types.ts';
import { checkAgainstMetaSchema, SchemaValidator } from './schema-validator.ts';
import { excludedValues, stringOf } from './string-schema.ts';

const NESTING_MAX = 64;
/** The most alternatives that are written out where several keywords with alternatives meet. */
const ALTERNATIVE_COUNT_MAX = 1000;
/**
 * The most states with nearly any next token: each costs about 50 ms with 152,000 tokens. A strict
 * grammar has no check to fall back on, and may take longer.
 */
const WIDE_STATE_COUNT_MAX = 64;
const STRICT_WIDE_STATE_COUNT_MAX = 192;

export interface SchemaGrammar extends Grammar {
  /** The constraints that the grammar does not carry, as `POINTER: KEYWORD`. */
  readonly unkept: readonly string[];
}

/** Any JSON object. */
export function anyJson(): Grammar {
  return { root: anyObject, rules: jsonRules() };
}

/**
 * @param isStrict whether a constraint that the grammar cannot carry is refused
 * @throws PilotfishError `grammar-invalid`, naming the place in the schema
 */
export function jsonSchema(schema: Json, isStrict = false): SchemaGrammar {
  if (schema === false) {
    throw schemaError('#', 'allows nothing', 'Give an object that describes the value.');
  }
  const grammar = new Converter(schema, isStrict).grammar();
  if (grammar.unkept.length > 0) checkAgainstMetaSchema(schema);
  return grammar;
}

class Converter implements SchemaConverter {
  readonly #schema: Json;
  readonly #isStrict: boolean;
  readonly #references: References;
  readonly #validator: SchemaValidator;
  readonly #rules = jsonRules();
  /** The rules by the schemas that they stand for. */
  readonly #known = new Map<string, Expression>();
  /** The rules whose bodies are still to be made. */
  readonly #waiting: { readonly name: string; readonly places: readonly ObjectPlace[] }[] = [];
  readonly #unkept = new Set<string>();
  #alternativeCount = 0;
  #wideStateCount = 0;

  constructor(schema: Json, isStrict: boolean) {
    this.#schema = schema;
    this.#isStrict = isStrict;
    this.#references = new References(schema);
    this.#validator = new SchemaValidator(schema);
  }

  grammar(): SchemaGrammar {
    const root = this.convert([placeAt(this.#schema, '#')]);
    // The list grows while it is walked.
    for (const { name, places } of this.#waiting) this.#rules.set(name, this.#conjunction(places));
    return { root, rules: this.#rules, unkept: [...this.#unkept] };
  }

  shared(expression: Expression): Expression {
    if (expression.kind === 'rule') return expression;
    const name = `shared-${this.#rules.size}`;
    this.#rules.set(name, expression);
    return rule(name);
  }

  named(name: string, body: () => Expression): Expression {
    if (!this.#rules.has(name)) this.#rules.set(name, body());
    return rule(name);
  }

  unkept(place: Place, keyword: string): void {
    const named = place.keyword ?? keyword;
    if (this.#isStrict) {
      const problem = `has "${named}", which the grammar cannot keep exactly`;
      throw schemaError(place.where, problem, 'Leave it out, or do not ask for a strict grammar.');
    }
    this.#unkept.add(`${place.where}: ${named}`);
  }

  accepts({ schema, where }: Place, value: Json): boolean {
    return this.#validator.accepts(schema, value, where);
  }

  affords(wideStateCount: number): boolean {
    const most = this.#isStrict ? STRICT_WIDE_STATE_COUNT_MAX : WIDE_STATE_COUNT_MAX;
    if (this.#wideStateCount + wideStateCount > most) return false;
    this.#wideStateCount += wideStateCount;
    return true;
  }

  convert(places: readonly Place[]): Expression {
    const simple = this.#references.simple(places);
    if (simple === null) return choice();
    if (simple.length === 0) return anyValue;
    const deepest = simple.find(({ depth }) => depth > NESTING_MAX);
    if (deepest !== undefined) {
      const problem = `is nested deeper than ${NESTING_MAX} levels`;
      throw schemaError(deepest.where, problem, 'Use "$ref".');
    }
    for (const { schema, where } of simple) constrains(schema, where);
    if (simple.every(({ schema }) => isFlat(schema))) return this.#conjunction(simple);
    const key = simple
      .map(({ id }) => id)
      .sort()
      .join('\n');
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const name = `schema-${this.#rules.size}`;
    this.#known.set(key, rule(name));
    this.#waiting.push({ name, places: simple });
    // Reserves the name.
    this.#rules.set(name, choice());
    return rule(name);
  }

  #conjunction(places: readonly ObjectPlace[]): Expression {
    const fixed = places.find(
      ({ schema }) => schema['enum'] !== undefined || schema['const'] !== undefined,
    );
    if (fixed !== undefined) return this.#values(fixed, places);
    for (const [index, place] of places.entries()) {
      const others = withAlternatives(place, this);
      if (others[0] === place) continue;
      return this.convert([...places.slice(0, index), ...others, ...places.slice(index + 1)]);
    }
    const union = places.find(
      ({ schema }) => schema['anyOf'] !== undefined || schema['oneOf'] !== undefined,
    );
    if (union !== undefined) return this.#options(union, places);
    return this.#typed(places);
  }

  /** Fixed values, in the single form that JSON.stringify writes. */
  #values(fixed: ObjectPlace, places: readonly ObjectPlace[]): Expression {
    const { schema, where } = fixed;
    const list = schema['const'] === undefined ? listOf(schema, 'enum', where) : [schema['const']];
    const texts = list.map((value) => fixedValue(value, where));
    const isAlone = places.length === 1 && Object.keys(schema).length === 1;
    const fitting = texts.filter((_, index) => {
      return isAlone || places.every((place) => this.accepts(place, list[index] ?? null));
    });
    if (fitting.length === 0 && places.length === 1) {
      throw schemaError(where, 'allows no value', 'Add one that fits.');
    }
    return choice(...fitting.map(text));
  }

  /** Each option together with everything else. */
  #options(union: ObjectPlace, places: readonly ObjectPlace[]): Expression {
    const { schema, where } = union;
    const keyword = schema['anyOf'] === undefined ? 'oneOf' : 'anyOf';
    const options = listOf(schema, keyword, where);
    const rest = places.map((place) =>
      place === union ? reduced(place, without(schema, keyword), keyword) : place,
    );
    if (keyword === 'oneOf' && !this.#areDisjoint(options)) this.unkept(union, keyword);
    if (rest.some((place) => constrains(place.schema, place.where))) {
      this.#alternativeCount += options.length;
    }
    if (this.#alternativeCount > ALTERNATIVE_COUNT_MAX) {
      this.unkept(union, keyword);
      return this.convert(rest);
    }
    return choice(
      ...options.map((option, index) =>
        this.convert([...rest, inside(union, option, keyword, index)]),
      ),
    );
  }

  #areDisjoint(options: readonly Json[]): boolean {
    const resolve = (reference: Json): Json | null =>
      this.#references.target(reference)?.schema ?? null;
    return options.every((option, index) =>
      options.slice(index + 1).every((other) => areDisjoint(option, other, resolve)),
    );
  }

  #typed(places: readonly ObjectPlace[]): Expression {
    return choice(...typesOf(places).map((type) => this.#ofType(type, places)));
  }

  #ofType(type: SchemaType, places: readonly ObjectPlace[]): Expression {
    const excluded = places.flatMap(excludedValues);
    const remaining = (value: Json, expression: Expression): Expression =>
      excluded.includes(value) ? choice() : expression;
    const isConstrained = places.some(({ schema }) => {
      return KEYWORDS_OF_TYPE[type].some((keyword) => schema[keyword] !== undefined);
    });
    this.#noteExcluded(type, places);
    switch (type) {
      case 'object':
        return isConstrained ? this.shared(objectOf(this.#closed(places), this)) : anyObject;
      case 'array':
        return isConstrained ? this.shared(arrayOf(places, this)) : anyArray;
      case 'string':
        return stringOf(places, this);
      case 'number':
      case 'integer':
        return numberOf(places, type === 'integer', this);
      case 'boolean':
        return choice(remaining(true, text('true')), remaining(false, text('false')));
      case 'null':
        return remaining(null, nullValue);
    }
  }

  /** Excluded objects, arrays and numbers have many spellings. */
  #noteExcluded(type: SchemaType, places: readonly ObjectPlace[]): void {
    for (const place of places) {
      const values = excludedValues(place);
      const isMany = values.some((value) => {
        if (Array.isArray(value)) return type === 'array';
        if (isObject(value)) return type === 'object';
        const isNumber = value !== null && !['string', 'boolean'].includes(typeof value);
        return isNumber && (type === 'number' || type === 'integer');
      });
      if (isMany) this.unkept(place, 'not');
    }
  }

  /**
   * `unevaluatedProperties` where it can be kept: as `additionalProperties` that knows the names of all
   * parts.
   */
  #closed(places: readonly ObjectPlace[]): readonly ObjectPlace[] {
    for (const place of places) {
      const value = place.schema['unevaluatedProperties'];
      if (value !== undefined && value !== true) this.unkept(place, 'unevaluatedProperties');
    }
    return places;
  }
}

/** Whether the conversion of a schema needs no rule, because no other schema is inside. */
function isFlat(schema: Json): boolean {
  if (!isObject(schema)) return true;
  return Object.entries(schema).every(([keyword, value]) => {
    if (FLAT_COMBINATIONS.includes(keyword)) return Array.isArray(value) && value.every(isFlat);
    return !NESTING.has(keyword);
  });
}
const FLAT_COMBINATIONS = ['anyOf', 'oneOf'];
const NESTING: ReadonlySet<string> = new Set([
  ...['$ref', 'allOf', 'not', 'if', ...KEYWORDS_OF_TYPE.object, ...KEYWORDS_OF_TYPE.array],
]);
