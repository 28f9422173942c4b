/** The text of a value of an `enum` or `const`, as JSON.stringify writes it. */
import { LosslessNumber, stringify } from 'lossless-json';
import { isList, isObject, type Json, schemaError } from './schema-keywords.ts';

/** @throws PilotfishError `grammar-invalid` for a number beyond the range of doubles */
export function fixedValue(value: Json, where: string): string {
  if (!isWritable(value)) {
    throw schemaError(where, 'has a number beyond the range of doubles', 'Use a smaller one.');
  }
  return stringify(value) ?? 'null';
}

function isWritable(value: Json): boolean {
  if (value instanceof LosslessNumber) return Number.isFinite(Number(value.value));
  if (typeof value === 'number') return Number.isFinite(value);
  if (isList(value)) return value.every(isWritable);
  return !isObject(value) || Object.values(value).every(isWritable);
}
