/** The validator beside the grammars (ajv): it judges values and schemas, and knows nothing of grammars. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

/** Digits in which a multiple may be off: 0.07 is a multiple of 0.01, which doubles cannot say. */
const PRECISION = 9;

/** Formats are kept, and only own properties count: every object has a `constructor`. */
export function independentValidator(options: { readonly validateSchema?: boolean } = {}): Ajv2020 {
  const validator = new Ajv2020({
    ...{ strict: false, logger: false, ownProperties: true },
    multipleOfPrecision: PRECISION,
    ...options,
  });
  formats.default(validator);
  return validator;
}
