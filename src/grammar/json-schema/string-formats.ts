/**
 * The string formats that are kept. Others are annotations, as in JSON Schema 2020-12. February ends
 * on the 28th and seconds at 59, so that every accepted date exists.
 */
import { choice, type Expression, oneOf, optional, repeat, sequence, text } from '../expression.ts';
import { DIGIT, digits } from './json-values.ts';

const HEX_LOWER: Expression = oneOf('09', 'af');
const DAY_28: Expression = choice(
  sequence(text('0'), oneOf('19')),
  sequence(text('1'), DIGIT),
  sequence(text('2'), oneOf('08')),
);
const DAY_30: Expression = choice(DAY_28, text('29'), text('30'));
const DATE: Expression = sequence(
  digits(4, 4),
  text('-'),
  choice(
    sequence(
      choice(...['01', '03', '05', '07', '08', '10', '12'].map(text)),
      text('-'),
      choice(DAY_30, text('31')),
    ),
    sequence(choice(...['04', '06', '09', '11'].map(text)), text('-'), DAY_30),
    sequence(text('02-'), DAY_28),
  ),
);
const HOUR: Expression = choice(sequence(oneOf('01'), DIGIT), sequence(text('2'), oneOf('03')));
const SIXTY: Expression = sequence(oneOf('05'), DIGIT);
const TIME: Expression = sequence(
  ...[HOUR, text(':'), SIXTY, text(':'), SIXTY],
  optional(sequence(text('.'), digits(1, 6))),
  choice(text('Z'), sequence(oneOf('++', '--'), HOUR, text(':'), SIXTY)),
);
const UUID: Expression = sequence(
  repeat(HEX_LOWER, 8, 8),
  repeat(sequence(text('-'), repeat(HEX_LOWER, 4, 4)), 3, 3),
  text('-'),
  repeat(HEX_LOWER, 12, 12),
);

export const STRING_FORMATS: Readonly<Record<string, Expression>> = {
  date: DATE,
  time: TIME,
  'date-time': sequence(DATE, text('T'), TIME),
  uuid: UUID,
};
