/** What a request may ask of its answer's form, and the text that the matching engine is given. */
import type { GrammarKind } from '../core/events.ts';
import { usableGrammar } from './check-grammar.ts';
import { engineText } from './engine-text.ts';
import type { Grammar } from './expression.ts';
import { parseGbnf } from './gbnf.ts';
import { grammarError } from './grammar-error.ts';
import { anyJson, jsonSchema } from './json-schema/json-schema.ts';
import type { Json } from './json-schema/schema-keywords.ts';
import { regularExpression } from './regular-expression.ts';

/** The form of an answer. Each holds for the whole answer, from its first token to its last. */
export type GrammarRequest =
  /** A JSON schema, as an object or as text. */
  | { readonly jsonSchema: object | boolean | string }
  /** Any JSON object. */
  | { readonly json: true }
  /** A grammar in llama.cpp's notation. */
  | { readonly gbnf: string }
  /** A regular expression, which the whole answer matches. */
  | { readonly regex: string };

/** Characters of a grammar as it is given. */
export const GRAMMAR_LENGTH_MAX = 65_536;

export interface GrammarSource {
  readonly kind: GrammarKind;
  /** What the engine compiles; equal texts are equal grammars. */
  readonly text: string;
}

/** @throws PilotfishError `grammar-invalid` */
export function grammarSource(request: GrammarRequest): GrammarSource {
  const keys = Object.keys(request);
  if (keys.length !== 1) {
    throw grammarError(
      `A grammar is given in ${keys.length} ways.`,
      'Give exactly one of jsonSchema, json, gbnf and regex.',
    );
  }
  if ('jsonSchema' in request)
    return source('json-schema', jsonSchema(schemaOf(request.jsonSchema)));
  if ('json' in request && request.json) return source('json', anyJson());
  if ('gbnf' in request) return source('gbnf', parseGbnf(checkedText('gbnf', request.gbnf)));
  if ('regex' in request) {
    const root = regularExpression(checkedText('regex', request.regex));
    return source('regex', { root, rules: new Map() });
  }
  throw grammarError(
    `There is no kind of grammar "${keys[0]}".`,
    'Give one of jsonSchema, json: true, gbnf and regex.',
  );
}

function source(kind: GrammarKind, grammar: Grammar): GrammarSource {
  return { kind, text: engineText(usableGrammar(grammar)) };
}

function checkedText(name: string, given: unknown): string {
  if (typeof given !== 'string') throw grammarError(`${name} is no text.`, `Give ${name} as text.`);
  if (given.length <= GRAMMAR_LENGTH_MAX) return given;
  throw grammarError(
    `The grammar has ${given.length} characters; ${GRAMMAR_LENGTH_MAX} are the limit.`,
    'Use a smaller one.',
  );
}

/** A copy without anything that is no JSON. */
function schemaOf(given: unknown): Json {
  try {
    const written = typeof given === 'string' ? given : (JSON.stringify(given) ?? '');
    return JSON.parse(checkedText('jsonSchema', written)) as Json;
  } catch (error) {
    if (
      !(error instanceof SyntaxError || error instanceof RangeError || error instanceof TypeError)
    ) {
      throw error;
    }
    throw grammarError(`The JSON schema is no JSON: ${error.message}.`, 'Correct the schema.');
  }
}
