/** The conversion of the parts of a schema to grammar, as the file of each type uses it. */
import type { Expression } from '../expression.ts';
import type { Place } from './place.ts';
import type { Json } from './schema-keywords.ts';

export interface SchemaConverter {
  /** The values that all of these schemas allow. */
  convert(places: readonly Place[]): Expression;
  /** Makes a rule for an expression that is used more than once. */
  shared(expression: Expression): Expression;
  /** Makes a rule once, under its name. */
  named(name: string, body: () => Expression): Expression;
  /**
   * Notes a constraint that the grammar does not carry.
   * @throws PilotfishError `grammar-invalid` in strict mode
   */
  unkept(place: Place, keyword: string): void;
  /** Whether a value is valid, by an independent validator. */
  accepts(place: Place, value: Json): boolean;
  /**
   * Whether so many more states that most bytes may follow can still be afforded. If so, they are
   * counted.
   */
  affords(wideStateCount: number): boolean;
}
