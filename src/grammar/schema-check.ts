/**
 * Judges a finished answer by its JSON schema, with a validator that knows nothing of grammars. It is
 * needed where a grammar allows more than the schema does.
 */
import { grammarError } from './grammar-error.ts';
import { independentValidator } from './json-schema/independent-validator.ts';

/** The violation of a text in words; null: it is valid. */
export type SchemaCheck = (text: string) => string | null;

/**
 * @param schema the JSON text of a schema, read as of 2020-12 as its grammar is
 * @throws PilotfishError `grammar-invalid` if the validator cannot read the schema
 */
export function schemaCheck(schema: string): SchemaCheck {
  const parsed: unknown = JSON.parse(schema);
  if (typeof parsed !== 'object' || parsed === null) return () => null;
  const { $schema: _, ...constraints } = parsed as Record<string, unknown>;
  const isValid = compiled(() => independentValidator().compile(constraints));
  return (text) => {
    const value = parsedOrNull(text);
    if (value === null) return 'it is not JSON';
    if (isValid(value.json)) return null;
    const [first] = isValid.errors ?? [];
    return `${first?.instancePath || 'it'} ${first?.message ?? 'is not valid'}`;
  };
}

function compiled<T>(compile: () => T): T {
  try {
    return compile();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw grammarError(`The JSON schema cannot be checked: ${why}.`, 'Correct the schema.');
  }
}

function parsedOrNull(text: string): { readonly json: unknown } | null {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return null;
  }
}
