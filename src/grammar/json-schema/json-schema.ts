/**
 * JSON Schema as grammar. Every text of the grammar is valid under the schema, but not every valid
 * text belongs to the grammar: properties come in the schema's order, undeclared properties are left
 * out if some are declared, and numbers have at most 16 digits. A keyword that cannot be kept is
 * refused, never ignored.
 */
import { choice, type Expression, type Grammar, rule, text } from '../expression.ts';
import { grammarError } from '../grammar-error.ts';
import { arrayOf } from './array-schema.ts';
import { areDisjoint } from './disjoint.ts';
import { anyBoolean, anyObject, anyValue, jsonRules, nullValue } from './json-values.ts';
import { integerSchema, numberSchema } from './number-schema.ts';
import { objectOf } from './object-schema.ts';
import type { SchemaConverter } from './schema-converter.ts';
import {
  checkIdentity,
  constraintsOf,
  isList,
  isObject,
  type Json,
  type JsonObject,
  KEYWORDS_OF_TYPE,
  type SchemaType,
  schemaError,
  WHOLE_KEYWORDS,
} from './schema-keywords.ts';
import { stringOf } from './string-schema.ts';

const NESTING_MAX = 64;

/** Any JSON object. */
export function anyJson(): Grammar {
  return { root: anyObject, rules: jsonRules() };
}

/** @throws PilotfishError `grammar-invalid`, naming the place in the schema */
export function jsonSchema(schema: Json): Grammar {
  return new Converter(schema).grammar();
}

class Converter implements SchemaConverter {
  readonly #schema: Json;
  readonly #rules = jsonRules();
  /** The rules by the pointer of a `$ref`. */
  readonly #references = new Map<string, Expression>();
  /** The targets of references, in the order in which they were met. */
  readonly #referred: { readonly name: string; readonly target: Json; readonly pointer: string }[] =
    [];
  #depth = 0;

  constructor(schema: Json) {
    this.#schema = schema;
  }

  grammar(): Grammar {
    const root = this.convert(this.#schema, '#');
    // The list grows while it is walked. Each target begins at depth 0, because a chain of references
    // is not nesting.
    for (const { name, target, pointer } of this.#referred) {
      this.#rules.set(name, this.convert(target, pointer));
    }
    return { root, rules: this.#rules };
  }

  shared(expression: Expression): Expression {
    const name = `shared-${this.#rules.size}`;
    this.#rules.set(name, expression);
    return rule(name);
  }

  named(name: string, body: () => Expression): Expression {
    if (!this.#rules.has(name)) this.#rules.set(name, body());
    return rule(name);
  }

  convert(schema: Json, where: string): Expression {
    if (this.#depth >= NESTING_MAX) {
      throw schemaError(where, `is nested deeper than ${NESTING_MAX} levels`, 'Use "$ref".');
    }
    this.#depth += 1;
    const expression = this.#convert(schema, where);
    this.#depth -= 1;
    return expression;
  }

  #convert(schema: Json, where: string): Expression {
    if (schema === true) return anyValue;
    if (!isObject(schema)) {
      const problem = schema === false ? 'allows nothing' : 'is neither an object nor true';
      throw schemaError(where, problem, 'Give an object that describes the value.');
    }
    const constraints = constraintsOf(schema, where);
    if (constraints.length === 0) return anyValue;
    const whole = WHOLE_KEYWORDS.find((keyword) => constraints.includes(keyword));
    if (whole === undefined) return this.#typed(schema, constraints, where);
    const isValue = whole === 'enum' || whole === 'const';
    const beside = constraints.find((other) => other !== whole && !(isValue && other === 'type'));
    if (beside !== undefined) {
      const problem = `has "${beside}" beside "${whole}", which cannot be kept`;
      throw schemaError(where, problem, 'Write both into one schema without the other.');
    }
    return this.#whole(whole, schema, where);
  }

  #whole(keyword: (typeof WHOLE_KEYWORDS)[number], schema: JsonObject, where: string): Expression {
    switch (keyword) {
      case '$ref':
        return this.#reference(schema['$ref'] ?? null, where);
      case 'const':
        return values([schema['const'] ?? null], schema, where);
      case 'enum':
        return values(listOf(schema, 'enum', where), schema, where);
      case 'allOf': {
        const [only, ...others] = listOf(schema, 'allOf', where);
        if (only !== undefined && others.length === 0)
          return this.convert(only, `${where}/allOf/0`);
        throw schemaError(where, 'has several schemas in "allOf"', 'Write them as one schema.');
      }
      case 'oneOf':
        this.#checkDisjoint(listOf(schema, 'oneOf', where), where);
        return this.#options(schema, 'oneOf', where);
      case 'anyOf':
        return this.#options(schema, 'anyOf', where);
    }
  }

  #options(schema: JsonObject, keyword: string, where: string): Expression {
    const options = listOf(schema, keyword, where);
    return choice(
      ...options.map((option, index) => this.convert(option, `${where}/${keyword}/${index}`)),
    );
  }

  #checkDisjoint(options: readonly Json[], where: string): void {
    const resolve = (schema: JsonObject): Json | null => this.#target(schema['$ref'] ?? null);
    for (const [index, option] of options.entries()) {
      const other = options.findIndex((b, at) => at > index && !areDisjoint(option, b, resolve));
      if (other < 0) continue;
      const problem = `has options ${index} and ${other} in "oneOf" that the same value may match`;
      throw schemaError(
        where,
        problem,
        'Use "anyOf", or give each a property with its own "const".',
      );
    }
  }

  #reference(pointer: Json, where: string): Expression {
    const target = this.#target(pointer);
    if (typeof pointer !== 'string' || target === null) {
      const problem = `refers to ${JSON.stringify(pointer)}, which is not in this schema`;
      throw schemaError(where, problem, 'Use "$ref" with a pointer like "#/$defs/name".');
    }
    const known = this.#references.get(pointer);
    if (known !== undefined) return known;
    const name = `reference-${this.#rules.size}`;
    this.#references.set(pointer, rule(name));
    this.#referred.push({ name, target, pointer });
    // Reserves the name. The rule itself is added after the schema around the reference.
    this.#rules.set(name, choice());
    return rule(name);
  }

  /** The target of a local JSON pointer, or null. */
  #target(pointer: Json): Json | null {
    if (typeof pointer !== 'string' || !/^#(\/|$)/.test(pointer)) return null;
    let target: Json = this.#schema;
    const steps = pointer.split('/').slice(1);
    for (const [index, step] of steps.entries()) {
      const key = unescaped(step);
      const isHere = typeof target === 'object' && target !== null && Object.hasOwn(target, key);
      if (!isHere) return null;
      target = (target as JsonObject)[key] ?? null;
      // A property may also have this name. As a keyword its value is a text.
      if (!isObject(target) || typeof target['$id'] !== 'string') continue;
      checkIdentity(target, `#/${steps.slice(0, index + 1).join('/')}`);
    }
    return target;
  }

  #typed(schema: JsonObject, constraints: readonly string[], where: string): Expression {
    const types = schemaTypes(schema, constraints, where);
    return choice(...types.map((type) => this.#ofType(type, schema, where)));
  }

  #ofType(type: SchemaType, schema: JsonObject, where: string): Expression {
    switch (type) {
      case 'object':
        return this.shared(objectOf(schema, where, this));
      case 'array':
        return this.shared(arrayOf(schema, where, this));
      case 'string':
        return stringOf(schema, where, this);
      case 'number':
        return numberSchema(schema, where);
      case 'integer':
        return integerSchema(schema, where);
      case 'boolean':
        return anyBoolean;
      case 'null':
        return nullValue;
    }
  }
}

/** The types of a schema. Without `type`, it is the one type that the keywords apply to. */
function schemaTypes(
  schema: JsonObject,
  constraints: readonly string[],
  where: string,
): readonly SchemaType[] {
  const { type } = schema;
  const known = Object.keys(KEYWORDS_OF_TYPE) as SchemaType[];
  if (type === undefined) {
    const of = known.filter((name) => constraints.every((k) => KEYWORDS_OF_TYPE[name].includes(k)));
    if (of[0] !== undefined) return [of[0]];
    throw schemaError(where, 'mixes keywords of several types', 'Say which "type" it is.');
  }
  const names = isList(type) ? type : [type];
  const types = known.filter((name) => names.includes(name));
  if (types.length === names.length && types.length > 0) return types;
  const problem = `has an unknown "type": ${JSON.stringify(type)}`;
  throw schemaError(where, problem, `Use ${known.join(', ')}.`);
}

/** Fixed values, in the single form that JSON.stringify writes. */
function values(list: readonly Json[], schema: JsonObject, where: string): Expression {
  const fitting = list.filter((value) => fits(value, schema['type']));
  if (fitting.length === 0) throw schemaError(where, 'allows no value', 'Add one that fits.');
  return choice(...fitting.map((value) => text(valueText(value, where))));
}

function valueText(value: Json, where: string): string {
  return JSON.stringify(value, (_key, inner: Json) => {
    if (typeof inner !== 'number' || Number.isFinite(inner)) return inner;
    throw schemaError(where, 'has a number beyond the range of doubles', 'Use a smaller one.');
  });
}

function fits(value: Json, type: Json | undefined): boolean {
  if (type === undefined) return true;
  const types = isList(type) ? type : [type];
  if (value === null) return types.includes('null');
  if (Array.isArray(value)) return types.includes('array');
  if (typeof value !== 'number') return types.includes(typeof value);
  return types.includes('number') || (types.includes('integer') && Number.isInteger(value));
}

function listOf(schema: JsonObject, keyword: string, where: string): readonly Json[] {
  const list = schema[keyword];
  if (isList(list) && list.length > 0) return list;
  throw schemaError(where, `has a "${keyword}" that is not a list of values`, 'Give at least one.');
}

function unescaped(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    throw grammarError(`"${step}" is not a step of a JSON pointer.`, 'Correct the "$ref".');
  }
}
