/** The form that a request may demand of its answer. */
import { isSafeNumber, LosslessNumber, parse } from 'lossless-json';
import type { GrammarKind } from '../core/events.ts';
import { unreachable } from '../core/invariant.ts';
import { usableGrammar } from './check-grammar.ts';
import { engineText } from './engine-text.ts';
import { parseGbnf } from './gbnf.ts';
import { grammarError } from './grammar-error.ts';
import { anyJson, jsonSchema, type SchemaGrammar } from './json-schema/json-schema.ts';
import type { Json } from './json-schema/schema-keywords.ts';
import { regularExpression } from './regular-expression.ts';

/** The form of an answer. It holds for the whole answer, from its first token to its last. */
export type GrammarRequest =
  /** A JSON schema, as an object or as text. */
  | {
      readonly jsonSchema: object | boolean | string;
      /** Refuse a schema that no grammar carries exactly. Otherwise the answer is checked as well. */
      readonly strict?: boolean | undefined;
    }
  /** Any JSON object. */
  | { readonly json: true }
  /** A grammar in llama.cpp's notation. */
  | { readonly gbnf: string }
  /** A regular expression that the whole answer matches. */
  | { readonly regex: string };

/** The most characters of a grammar in a request. */
export const GRAMMAR_LENGTH_MAX = 65_536;

/** A grammar of a request that is small enough to be read. Its content is not checked yet. */
export interface GrammarSource {
  readonly kind: GrammarKind;
  readonly text: string;
  /** Whether a constraint that the grammar cannot carry is refused. */
  readonly strict: boolean;
}

/** A grammar as the matching engine compiles it. */
export interface CompiledGrammar {
  readonly text: string;
  /**
   * The constraints of a schema that the grammar does not carry, as `POINTER: KEYWORD`. Without any,
   * no answer of the grammar violates the schema.
   */
  readonly unkept: readonly string[];
}

/** Quick for any input. @throws PilotfishError `grammar-invalid` */
export function grammarSource(request: GrammarRequest): GrammarSource {
  checkObject(request);
  const [key, ...others] = Object.keys(request).filter((name) => name !== 'strict');
  if (others.length > 0) {
    const ways = [key, ...others].join(', ');
    throw grammarError(`A grammar is given in several ways: ${ways}.`, `Give one of ${WAYS}.`);
  }
  if ('jsonSchema' in request) {
    const strict = request.strict ?? false;
    return { kind: 'json-schema', text: schemaText(request.jsonSchema), strict };
  }
  const strict = false;
  if ('gbnf' in request) return { kind: 'gbnf', text: checkedText('gbnf', request.gbnf), strict };
  if ('regex' in request)
    return { kind: 'regex', text: checkedText('regex', request.regex), strict };
  if (request.json === true) return { kind: 'json', text: '', strict };
  const kind = key === undefined ? 'in {}' : `"${key}"`;
  throw grammarError(`There is no kind of grammar ${kind}.`, `Give one of ${WAYS}.`);
}

/** Callers without types may pass any value. */
function checkObject(given: unknown): void {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return;
  const name = Array.isArray(given) ? 'a list' : given === null ? 'null' : `a ${typeof given}`;
  throw grammarError(
    `A grammar is given as ${name}, not as an object.`,
    `Give an object with one of ${WAYS}.`,
  );
}

const WAYS = 'jsonSchema, json: true, gbnf and regex';

/**
 * The grammar that the matching engine compiles. It may take some time.
 * @throws PilotfishError `grammar-invalid`
 */
export function compiledGrammar(source: GrammarSource): CompiledGrammar {
  const { unkept, ...grammar } = grammarOf(source);
  return { text: engineText(usableGrammar(grammar)), unkept };
}

/** The text alone. @throws PilotfishError `grammar-invalid` */
export function compiledText(source: GrammarSource): string {
  return compiledGrammar(source).text;
}

function grammarOf({ kind, text, strict }: GrammarSource): SchemaGrammar {
  switch (kind) {
    case 'json-schema':
      return jsonSchema(losslessJson(text), strict);
    case 'json':
      return { ...anyJson(), unkept: [] };
    case 'gbnf':
      return { ...parseGbnf(text), unkept: [] };
    case 'regex':
      return { root: regularExpression(text), rules: new Map(), unkept: [] };
    default:
      return unreachable(kind);
  }
}

/** Numbers that a double cannot hold stay texts. */
function losslessJson(text: string): Json {
  const number = (digits: string): number | LosslessNumber =>
    isSafeNumber(digits) ? Number(digits) : new LosslessNumber(digits);
  try {
    return parse(text, null, number) as Json;
  } catch (error) {
    // The text is JSON, yet names a key twice, or is nested so deep that reading it fails.
    const why = error instanceof RangeError ? 'it is nested far too deep' : String(error);
    throw grammarError(
      `The JSON schema is not JSON that can be read: ${why}.`,
      'Correct the schema.',
    );
  }
}

function checkedText(name: string, given: unknown): string {
  if (typeof given !== 'string')
    throw grammarError(`${name} is not a text.`, `Give ${name} as text.`);
  if (given.length <= GRAMMAR_LENGTH_MAX) return given;
  throw grammarError(
    `The grammar has ${given.length} characters; ${GRAMMAR_LENGTH_MAX} are the limit.`,
    'Use a smaller one.',
  );
}

/** The schema as JSON text, for any input. */
function schemaText(given: unknown): string {
  try {
    if (typeof given !== 'string') return checkedText('jsonSchema', JSON.stringify(given, finite));
    const text = checkedText('jsonSchema', given);
    JSON.parse(text);
    return text;
  } catch (error) {
    // Cycles, numbers too large for JSON, nesting that exhausts the stack, and syntax errors.
    const isJsonError =
      error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError;
    if (!isJsonError) throw error;
    throw grammarError(`The JSON schema is not JSON: ${error.message}.`, 'Correct the schema.');
  }
}

/** Refuses infinite numbers, which JSON.stringify would write as null. */
function finite(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value;
  throw new RangeError(`it has the number ${value}`);
}
