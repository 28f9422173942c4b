/**
 * Numbers in running text: `$1,200.50`, `45%`, `-3 hours`, `3/4`, `1 1/2`, `1e3`, `1.5 million`,
 * `\frac{3}{4}`. A number in a name does not count: a power (`cm^2`), an index (`x_1`), part of a
 * word (`A4`), an ordinal (`2nd`), a version (`1.2.3`). Numbers in words are not read.
 */
import { bracedArguments } from './braces.ts';
import { decimal, negative, over, plus, type Rational, times } from './rational.ts';

export interface Quantity {
  /** Without the percent sign: 45 for 45 %; with the scale word: 1500000 for 1.5 million. */
  readonly value: Rational;
  readonly isPercent: boolean;
  /** As in "not 18": mentioned, but not as the answer. */
  readonly isDenied: boolean;
  readonly text: string;
  /** Its index in the plain text. */
  readonly start: number;
  readonly end: number;
}

const SCALES: Readonly<Record<string, string>> = {
  thousand: '1e3',
  million: '1e6',
  billion: '1e9',
  trillion: '1e12',
};

/** Space, no-break space, thin space, narrow no-break space. */
const SPACES = ' \u00a0\u2009\u202f';
const WHOLE = String.raw`\d{1,3}(?:,\d{3})+(?![\d])|\d{1,3}(?:[${SPACES}]\d{3})+(?![\d-])|\d+`;
const MAGNITUDE = String.raw`(?:(?:${WHOLE})(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d{1,3}(?!\w))?`;
const DENOMINATOR = String.raw`\d+(?!\d|[.,/]\d)`;
const QUANTITY = new RegExp(
  [
    // No text before it that makes it part of a name, a power or an index.
    String.raw`(?<![A-Za-z\d.]|\^\{?-?|[\w)}]_\{?)`,
    String.raw`(?:(?<![\w)%}])(?<minus>-))?(?:[$€£¥₹]\s?)?(?<minusAfter>-)?`,
    String.raw`(?:(?<mixed>\d+) (?<part>\d+)/(?<partOf>${DENOMINATOR})`,
    `|(?<magnitude>${MAGNITUDE})(?: ?/ ?(?<denominator>${DENOMINATOR}))?)`,
    String.raw`(?!\d|\.\d|(?:st|nd|rd|th)\b)`,
    String.raw`(?:\s?(?<percent>%|percent\b|per cent\b)|[ -](?<scale>${Object.keys(SCALES).join('|')})\b)?`,
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
    if (value === null) return [];
    const start = match.index;
    return [
      {
        value,
        isPercent: match.groups?.['percent'] !== undefined,
        isDenied: DENIAL.test(text.slice(Math.max(0, start - DENIAL_CHARACTERS_MAX), start)),
        text: match[0].trim(),
        start,
        end: start + match[0].length,
      },
    ];
  });
}

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

const REPLACEMENTS: readonly (readonly [RegExp, string])[] = [
  [/[\u2212\ufe63\uff0d]/g, '-'],
  [/\u2044/g, '/'],
  [/\\!|\\left|\\right/g, ''],
  [/\{,\}/g, ','],
  [/\\,/g, '\u2009'],
  [/\\[;: ]|\\quad\b|~/g, ' '],
  [/\\([$%])/g, '$1'],
  [/\b(?:USD|EUR|GBP|INR|Rs\.?)\s?(?=-?[\d.])/g, '$'],
  [/\\(?:text|textbf|mbox|mathrm|mathbf|boxed)\s*\{([^{}]*)\}/g, ' $1 '],
  [/\\approx\b/g, '≈'],
  [/\\(?:times|cdot)\b/g, '×'],
  [/\\div\b/g, '÷'],
  [/ ?[×*] ?10\^\{?(-?\d{1,3})\}?/g, 'e$1'],
];
const SHORT_FRACTION = /\\[dtc]?frac\s*(\d)\s*(\d)(?!\d)/g;
const FRACTION = /\\[dtc]?frac\s*(?=\{)/g;
const VULGAR = /(\d?)([¼½¾⅐-⅞])/g;

/**
 * The text with LaTeX, typographic signs and currency codes in plain characters, as far as numbers
 * need it.
 */
export function plainText(text: string): string {
  let plain = withPlainFractions(text.replaceAll(SHORT_FRACTION, '\\frac{$1}{$2}'));
  for (const [pattern, replacement] of REPLACEMENTS) {
    plain = plain.replaceAll(pattern, replacement);
  }
  return plain.replaceAll(VULGAR, (_, before: string, sign: string) => {
    const fraction = sign.normalize('NFKC').replace('\u2044', '/');
    return before === '' ? fraction : `${before} ${fraction}`;
  });
}

/** `1\frac{1}{2}` becomes `1 1/2`; fractions of anything but whole numbers stay. */
function withPlainFractions(text: string): string {
  let plain = '';
  let end = 0;
  for (const { index, 0: command } of text.matchAll(FRACTION)) {
    const found = bracedArguments(text, index + command.length, 2);
    const [a = '', b = ''] = found?.values.map((value) => value.trim()) ?? [];
    if (found === null || index < end || !/^-?\d+$/.test(a) || !/^\d+$/.test(b)) continue;
    plain += text.slice(end, index);
    plain += `${/\d$/.test(plain) ? ' ' : ''}${a}/${b}`;
    end = found.end;
  }
  return plain + text.slice(end);
}
