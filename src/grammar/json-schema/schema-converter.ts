/** The conversion of the parts of a schema to grammar, as the file of each type uses it. */
import type { Expression } from '../expression.ts';
import type { Json } from './schema-keywords.ts';

export interface SchemaConverter {
  /** @param where the place of the part, as a JSON pointer */
  convert(schema: Json, where: string): Expression;
  /** Makes a rule for an expression that is used more than once. */
  shared(expression: Expression): Expression;
  /** Makes a rule once, under its name. */
  named(name: string, body: () => Expression): Expression;
}
