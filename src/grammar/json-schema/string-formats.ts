/**
 * The string formats. Those with a grammar allow what ajv-formats accepts, with a few spellings less:
 * fractions of seconds have up to 9 digits, and a leap second is 23:59:60 in UTC.
 */
import type { Expression } from '../expression.ts';
import { regularExpression } from '../regular-expression.ts';

/** A year that a 29 February needs: divisible by 4, and not by 100 unless by 400. */
const LEAP_YEAR = '(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATE =
  '(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])' +
  '|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)' +
  `|02-(?:0[1-9]|1[0-9]|2[0-8]))|${LEAP_YEAR}-02-29)`;
const FRACTION = '(?:\\.[0-9]{1,9})?';
const TIME =
  `(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]${FRACTION}` +
  '(?:[Zz]|[+\\-](?:[01][0-9]|2[0-3]):[0-5][0-9])' +
  `|23:59:60${FRACTION}(?:[Zz]|[+\\-]00:00))`;

const HEX = '[0-9A-Fa-f]';
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `${OCTET}(?:\\.${OCTET}){3}`;
const H16 = `${HEX}{1,4}`;
const LAST_32 = `(?:${H16}:${H16}|${IPV4})`;
/** RFC 3986, IPv6address. */
const IPV6 = [
  `(?:${H16}:){6}${LAST_32}`,
  `::(?:${H16}:){5}${LAST_32}`,
  ...[4, 3, 2, 1, 0].map((after, before) => {
    const front = before === 0 ? `(?:${H16})?` : `(?:(?:${H16}:){0,${before}}${H16})?`;
    return `${front}::(?:${H16}:){${after}}${LAST_32}`;
  }),
  `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
  `(?:(?:${H16}:){0,6}${H16})?::`,
].join('|');

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-]+";
const LABEL = '[A-Za-z0-9](?:[A-Za-z0-9\\-]*[A-Za-z0-9])?';

const PLAIN = "A-Za-z0-9\\-._~!$&'()*+,;=";
const ESCAPE = `%${HEX}{2}`;
const PCHAR = `(?:[${PLAIN}:@]|${ESCAPE})`;
const HOST = `(?:\\[(?:${IPV6}|[Vv]${HEX}+\\.[${PLAIN}:]+)\\]|(?:[${PLAIN}]|${ESCAPE})*)`;
const AUTHORITY = `(?:(?:[${PLAIN}:]|${ESCAPE})*@)?${HOST}(?::[0-9]*)?`;
const URI =
  `[A-Za-z][A-Za-z0-9+\\-.]*:(?://${AUTHORITY}(?:/${PCHAR}*)*` +
  `|/(?:${PCHAR}+(?:/${PCHAR}*)*)?|${PCHAR}+(?:/${PCHAR}*)*)` +
  `(?:\\?(?:${PCHAR}|[/?])*)?(?:#(?:${PCHAR}|[/?])*)?`;

const DURATION = (() => {
  const [years, months, days] = ['Y', 'M', 'D'].map((unit) => `[0-9]{1,9}${unit}`);
  const [hours, minutes, seconds] = ['H', 'M', 'S'].map((unit) => `[0-9]{1,9}${unit}`);
  const some = (a = '', b = '', c = ''): string => `(?:${a}(?:${b})?(?:${c})?|${b}(?:${c})?|${c})`;
  const time = `T${some(hours, minutes, seconds)}`;
  return `P(?:${some(years, months, days)}(?:${time})?|${time}|[0-9]{1,9}W)`;
})();

const POINTER = '(?:/(?:[^~/]|~0|~1)*)*';
const FRAGMENT_POINTER = `#(?:/(?:[A-Za-z0-9_\\-.!$&'()*+,;:=@]|${ESCAPE}|~0|~1)*)*`;
const BASE64 = '[A-Za-z0-9+/]';
const UUID = `(?:${HEX}{8}-(?:${HEX}{4}-){3}${HEX}{12})`;

const PATTERNS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}[Tt]${TIME}`,
  duration: DURATION,
  email: `${ATOM}(?:\\.${ATOM})*@(?:${LABEL}\\.)+${LABEL}`,
  ipv4: IPV4,
  ipv6: IPV6,
  uri: URI,
  uuid: UUID,
  'json-pointer': POINTER,
  'relative-json-pointer': `(?:0|[1-9][0-9]{0,8})(?:#|${POINTER})`,
  'json-pointer-uri-fragment': FRAGMENT_POINTER,
  byte: `(?:${BASE64}{4})*(?:${BASE64}{2}==|${BASE64}{3}=)?`,
};

/** The formats that a grammar carries exactly. */
export const EXACT_FORMATS: readonly string[] = Object.keys(PATTERNS);

/** The formats that only a validator checks. All others do not constrain the string. */
export const CHECKED_FORMATS: readonly string[] = [
  ...['hostname', 'iso-time', 'iso-date-time', 'regex', 'uri-reference', 'uri-template', 'url'],
];

/** The characters of the labels of a host name; its lengths are left to a validator. */
const HOSTNAME = `${LABEL}(?:\\.${LABEL})*\\.?`;

/** The strings of a format, or more for a format that is only checked. Null: it has no grammar. */
export function formatLanguage(format: string): Expression | null {
  if (format === 'hostname') return regularExpression(HOSTNAME);
  const pattern = Object.hasOwn(PATTERNS, format) ? PATTERNS[format] : undefined;
  return pattern === undefined ? null : regularExpression(pattern);
}
