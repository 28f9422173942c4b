/** How the parts of a schema become grammar: what the file of each type asks of the whole. */
import type { Expression } from '../expression.ts';
import type { Json } from './schema-keywords.ts';

export interface SchemaConverter {
  /** @param where the place of the part, as a JSON pointer */
  convert(schema: Json, where: string): Expression;
  /** A rule of its own for an expression that is used more than once. */
  shared(expression: Expression): Expression;
  /** A rule that is made once under its name. */
  named(name: string, body: () => Expression): Expression;
}
