/** An independent validator (ajv) for single values: the members of an `enum`, the names of properties. */
import type { Ajv2020 } from 'ajv/dist/2020.js';
import { LosslessNumber } from 'lossless-json';
import { independentValidator } from './independent-validator.ts';
import { isList, isObject, type Json, type JsonObject, schemaError } from './schema-keywords.ts';

const ROOT = 'root:/schema';

export class SchemaValidator {
  readonly #root: Json;
  #ajv: Ajv2020 | null = null;

  constructor(root: Json) {
    this.#root = root;
  }

  /** @param where the place of the schema, for errors */
  accepts(schema: Json, value: Json, where: string): boolean {
    this.#ajv ??= this.#loaded();
    try {
      const plain = withRoot(schema);
      return this.#ajv.validate(
        typeof plain === 'boolean' ? plain : (plain as object),
        doubles(value),
      );
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw schemaError(where, `cannot be read: ${why}`, 'Correct the schema.');
    }
  }

  #loaded(): Ajv2020 {
    const ajv = independentValidator({ validateSchema: false });
    if (isObject(this.#root)) {
      const { $id: _, $schema: __, ...root } = this.#root;
      ajv.addSchema(withRoot(root) as object, ROOT);
    }
    return ajv;
  }
}

/** @throws PilotfishError `grammar-invalid` if a schema is not one, by the meta-schema */
export function checkAgainstMetaSchema(root: Json): void {
  if (!isObject(root)) return;
  const { $schema: _, ...schema } = root;
  const ajv = independentValidator();
  if (ajv.validateSchema(doubles(schema) as object) === true) return;
  const [first] = ajv.errors ?? [];
  const problem = first?.message ?? 'is not a schema';
  throw schemaError(`#${first?.instancePath ?? ''}`, `is wrong: it ${problem}`, 'Correct it.');
}

/** With references to the root, wherever the schema is compiled, and numbers as doubles. */
function withRoot(schema: Json): Json {
  if (isList(schema)) return schema.map(withRoot);
  if (!isObject(schema)) return doubles(schema);
  return mapped(schema, (value, key) => {
    if (key === 'const' || key === 'enum') return doubles(value);
    return key === '$ref' && typeof value === 'string' && value.startsWith('#')
      ? `${ROOT}${value}`
      : withRoot(value);
  });
}

function doubles(value: Json): Json {
  if (isList(value)) return value.map(doubles);
  if (value instanceof LosslessNumber) return Number(value.value);
  return isObject(value) ? mapped(value, doubles) : value;
}

function mapped(object: JsonObject, change: (value: Json, key: string) => Json): JsonObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, change(value, key)]),
  );
}
