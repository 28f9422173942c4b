/** The form that a request may demand of its answer. */
import type { GrammarKind } from '../core/events.ts';
import { unreachable } from '../core/invariant.ts';
import { usableGrammar } from './check-grammar.ts';
import { engineText } from './engine-text.ts';
import type { Grammar } from './expression.ts';
import { parseGbnf } from './gbnf.ts';
import { grammarError } from './grammar-error.ts';
import { anyJson, jsonSchema } from './json-schema/json-schema.ts';
import type { Json } from './json-schema/schema-keywords.ts';
import { regularExpression } from './regular-expression.ts';

/** The form of an answer. It holds for the whole answer, from its first token to its last. */
export type GrammarRequest =
  /** A JSON schema, as an object or as text. */
  | {
      readonly jsonSchema: object | boolean | string;
      /**
       * Whether to refuse a schema that no grammar carries whole. Default: the finished answer is
       * checked instead, and drawn again if it is not valid.
       */
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
  /** Whether a schema that no grammar carries whole is refused. */
  readonly strict: boolean;
}

/** Quick for any input. @throws PilotfishError `grammar-invalid` */
export function grammarSource(request: GrammarRequest): GrammarSource {
  checkObject(request);
  const { strict = false, ...forms } = request as GrammarRequest & { strict?: boolean };
  const [key, ...others] = Object.keys(forms);
  if (others.length > 0) {
    const ways = Object.keys(forms).join(', ');
    throw grammarError(`A grammar is given in several ways: ${ways}.`, `Give one of ${WAYS}.`);
  }
  if ('jsonSchema' in request)
    return { kind: 'json-schema', text: schemaText(request.jsonSchema), strict };
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

/** A grammar in the form that the matching engine compiles. */
export interface CompiledGrammar {
  readonly text: string;
  /** The constraints of a schema that it does not carry, as `#/properties/a: uniqueItems`. */
  readonly unkept: readonly string[];
}

/** It may take some time. @throws PilotfishError `grammar-invalid` */
export function compiledGrammar(source: GrammarSource): CompiledGrammar {
  return { text: engineText(usableGrammar(grammarOf(source))), unkept: [] };
}

function grammarOf({ kind, text }: GrammarSource): Grammar {
  switch (kind) {
    case 'json-schema':
      return jsonSchema(JSON.parse(text) as Json);
    case 'json':
      return anyJson();
    case 'gbnf':
      return parseGbnf(text);
    case 'regex':
      return { root: regularExpression(text), rules: new Map() };
    default:
      return unreachable(kind);
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
