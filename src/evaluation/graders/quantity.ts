/**
 * Numbers in running text: `$1,200.50`, `45%`, `-3 hours`, `3/4`, `1 1/2`, `1e3`, `1.5 million`,
 * `\frac{3}{4}`. A number in a name does not count: a power (`cm^2`), an index (`x_1`), part of a
 * word (`A4`, `3xy`), an ordinal (`2nd`), a version (`1.2.3`), a time (`4:30`). Nor does a number
 * that is part of something else: `2^{10}`, `2\sqrt3`, `18,50`. Numbers in words are not read.
 */
import { decimal, negative, over, plus, type Rational, times } from './rational.ts';
import { exactValue } from './tex/exact.ts';
import { isWorkedOut } from './tex/expression.ts';
import { readTexAtom } from './tex/parse.ts';
import { leadingUnit, unitOf } from './units.ts';

export interface Quantity {
  /** Without the percent sign: 45 for 45 %; with the scale word: 1500000 for 1.5 million. */
  readonly value: Rational;
  readonly isPercent: boolean;
  /** Of units.ts, with the currency sign before the number; null: none that is known. */
  readonly unit: string | null;
  /** As in "not 18": mentioned, but not as the answer. */
  readonly isDenied: boolean;
  readonly text: string;
  /** Its index in the plain text. */
  readonly start: number;
  readonly end: number;
}

const SCALES: Readonly<Record<string, string>> = {
  hundred: '1e2',
  thousand: '1e3',
  million: '1e6',
  billion: '1e9',
  trillion: '1e12',
};

/** Space, no-break space, thin space, narrow no-break space. */
const SPACES = ' \u00a0\u2009\u202f';
const WHOLE = [
  String.raw`\d{1,3}(?:,\d{3})+(?![\d])|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d{1,3}`,
  String.raw`(?:[${SPACES}]\d{3})+(?![\d-])|\d+`,
].join('');
const MAGNITUDE = String.raw`(?:(?:${WHOLE})(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3}(?!\w))?`;
const DENOMINATOR = String.raw`\d+(?!\d|[.,/]\d)`;
const QUANTITY = new RegExp(
  [
    // No text before it that makes it part of a name, a power or an index.
    String.raw`(?<![A-Za-z\d.◊]|\^\{?-?|[\w)}]_\{?|\d[,:])`,
    String.raw`(?:(?<![\w)%}])(?<minus>-))?(?:(?<currency>[$€£¥₹])\s?)?(?<minusAfter>-)?`,
    String.raw`(?:(?<mixed>\d+) (?<part>\d+)/(?<partOf>${DENOMINATOR})`,
    `|(?<magnitude>${MAGNITUDE})(?: ?/ ?(?<denominator>${DENOMINATOR}))?)`,
    String.raw`(?::00\b)?(?!\d|[.,:]\d|(?:st|nd|rd|th)\b|\^|_|\s?◊|!(?=[\s)]*[-+*/=]))`,
    String.raw`(?:\s?(?<percent>%|percent\b|per cent\b)|[ -]{1,3}`,
    String.raw`(?<scale>${Object.keys(SCALES).join('|')})\b)?`,
  ].join(''),
  'gi',
);
const DENIAL =
  /(?:\bnot|n't|\brather than|\binstead of)(?: (?:be|just|only|exactly))*[\s*_"'“(]*$/i;
/** Longer denials do not exist. */
const DENIAL_CHARACTERS_MAX = 40;

/** All quantities of a text, in order. The text is plain: see `plainText`. */
export function quantitiesIn(text: string): readonly Quantity[] {
  return [...text.matchAll(QUANTITY)].flatMap((match) => {
    const value = quantityValue(match.groups ?? {});
    const start = match.index;
    const after = text.slice(start + match[0].length, start + match[0].length + 80);
    const isPercent = match.groups?.['percent'] !== undefined;
    const unit = isPercent ? '%' : unitOfQuantity(match.groups?.['currency'], after);
    if (value === null || (unit === null && isPartOfName(after))) return [];
    return [
      {
        value,
        isPercent,
        unit,
        isDenied: DENIAL.test(text.slice(Math.max(0, start - DENIAL_CHARACTERS_MAX), start)),
        text: match[0].trim(),
        start,
        end: start + match[0].length,
      },
    ];
  });
}

function unitOfQuantity(currency: string | undefined, after: string): string | null {
  return currency === undefined ? leadingUnit(after) : unitOf(currency);
}

/** Letters right after a number, but for `9x2`, a sign, and counted things: `18eggs`. */
function isPartOfName(after: string): boolean {
  const letters = /^\p{L}+/u.exec(after)?.[0] ?? '';
  if (letters === '' || /^[x]\s?\d/i.test(after)) return false;
  return unitOf(letters) === null && letters.length < COUNTED_LETTERS_MIN;
}

/** Shorter letters right after a number are variables, as in `3xy`. */
const COUNTED_LETTERS_MIN = 4;

type Groups = Readonly<Record<string, string | undefined>>;

function quantityValue(groups: Groups): Rational | null {
  const size = sizeOf(groups);
  if (size === null) return null;
  const { minus, minusAfter, scale } = groups;
  const scaled = scale === undefined ? size : timesScale(size, scale);
  if (scaled === null) return null;
  return minus === undefined && minusAfter === undefined ? scaled : negative(scaled);
}

function sizeOf({ mixed, part, partOf, magnitude, denominator }: Groups): Rational | null {
  if (mixed !== undefined) {
    const whole = decimal(mixed);
    const rest = quotient(part, partOf);
    return whole === null || rest === null ? null : plus(whole, rest);
  }
  return denominator === undefined ? ungrouped(magnitude) : quotient(magnitude, denominator);
}

function quotient(numerator: string | undefined, denominator: string | undefined): Rational | null {
  const [a, b] = [ungrouped(numerator), ungrouped(denominator)];
  return a === null || b === null ? null : over(a, b);
}

function ungrouped(text = ''): Rational | null {
  return decimal(text.replaceAll(new RegExp(`[,${SPACES}]`, 'g'), ''));
}

function timesScale(size: Rational, scale: string): Rational | null {
  const factor = decimal(SCALES[scale.toLowerCase()] ?? '1');
  return factor === null ? null : times(size, factor);
}

/** These dashes are minus signs before a number, and ranges between two. */
const DASHES = /[\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d]/g;
/** A power of a number. `m²` is a unit. */
const POWER = /(?<=[\d)])⁻?[⁰¹²³⁴-⁹]+/g;
const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [DASHES, '-'],
  [/\u2044/g, '/'],
  [/\\!|\\left(?![A-Za-z])|\\right(?![A-Za-z])/g, ''],
  [/\{,\}/g, ','],
  [/\\,/g, '\u2009'],
  [/\\[;: ]|\\q?quad(?![A-Za-z])|~/g, ' '],
  [/\\([$%])/g, '$1'],
  [/\b(?:USD|EUR|GBP|INR|Rs\.?)\s?(?=-?[\d.])/g, '$'],
  [/\\(?:text|textbf|mbox|mathrm|mathbf|boxed)\s*\{([^{}]*)\}/g, ' $1 '],
  [/\\approx(?![A-Za-z])/g, '≈'],
  [/\\(?:times|cdot)(?![A-Za-z])/g, '×'],
  [/\\div(?![A-Za-z])/g, '÷'],
  [/ ?[×*] ?10 ?\^ ?\{?([+-]?\d{1,3})\}?(?!\d|\.\d)/g, 'e$1'],
  [/\^\\circ|\^\{\\circ\}|\\degree(?![A-Za-z])/g, '°'],
  // A sign, constant or function: a number beside it is part of a formula.
  [
    new RegExp(
      [
        String.raw`\\(?:pi|theta|phi|alpha|beta|gamma|lambda|mu|sigma|omega|infty|sin|cos|tan|log|ln`,
        '|exp|sum|int)(?![A-Za-z])|[πθ∞√]',
      ].join(''),
      'g',
    ),
    '◊',
  ],
];
/** Commands with arguments that may be numbers. */
const ATOM = /\\(?:[dtc]?frac|sqrt|[dt]?binom)(?![A-Za-z])|√(?=[\d(])/g;
/** An atom that is a number is not longer. */
const ATOM_LENGTH_MAX = 100;
/** No line of an answer has more. */
const ATOM_COUNT_MAX = 500;
const VULGAR = /(\d?)([¼½¾⅐-⅞])/g;

/**
 * The text with LaTeX, typographic signs and currency codes in plain characters, as far as numbers
 * need it. `◊` stands for what is no number.
 */
export function plainText(text: string): string {
  let plain = withPlainAtoms(
    text.replaceAll(POWER, (signs) => `^${signs.normalize('NFKC').replace('\u2212', '-')}`),
  );
  for (const [pattern, replacement] of REPLACEMENTS) {
    plain = plain.replaceAll(pattern, replacement);
  }
  return plain.replaceAll(VULGAR, (_, before: string, sign: string) => {
    const fraction = sign.normalize('NFKC').replace('\u2044', '/');
    return before === '' ? fraction : `${before} ${fraction}`;
  });
}

/** `1\frac{1}{2}` becomes `1 1/2`, `\sqrt{16}` becomes 4, and what is no fraction `◊`. */
function withPlainAtoms(text: string): string {
  let plain = '';
  let end = 0;
  let count = 0;
  for (const { index, 0: command } of text.matchAll(ATOM)) {
    if (index < end) continue;
    count += 1;
    if (count > ATOM_COUNT_MAX) break;
    plain += text.slice(end, index);
    const atom = readTexAtom(text.slice(index, index + ATOM_LENGTH_MAX));
    const isWritten = atom !== null && isWorkedOut(atom.expression);
    // A sum or product that nobody worked out is no answer.
    const value = isWritten ? exactValue(atom.expression, new Map()) : null;
    plain += value === null ? '◊' : besideDigits(plain, value);
    end = index + (atom?.end ?? command.length);
  }
  return plain + text.slice(end);
}

/** After a whole number, only a positive fraction is a part of it; `2\sqrt{16}` is a product. */
function besideDigits(before: string, { numerator, denominator }: Rational): string {
  const fraction = denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
  if (!/\d\s*$/.test(before)) return fraction;
  return denominator > 1n && numerator > 0n ? ` ${fraction}` : '◊';
}
