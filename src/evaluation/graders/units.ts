/**
 * Units of answers. Only what stands here is a unit: `3 cm` is 3 where the right answer has no
 * unit, `3xy` is not. Two spellings of one unit have one canonical form, so that `5 cm` is told from
 * `5 m`, and `10 AM` from `10 PM`. Units are not converted.
 */

/** Symbols, told by their case: `m` is a metre, `M` is not. */
const SYMBOLS: Readonly<Record<string, string>> = {
  ...named(
    'mm cm dm m km ft yd mi mL ml L l g kg mg t s ms min h hr Hz kHz MHz N J kJ W kW kWh V A',
  ),
  ...{ ml: 'mL', l: 'L', hr: 'h' },
  ...named('kb Mb Gb kB KB MB GB TB Mbps kbps Gbps bit ft³ m³ cm³'),
  ...named('K Pa mol rad deg lb oz pt gal in USD EUR GBP INR'),
  ...{ secs: 's', sec: 's', mins: 'min', hrs: 'h', ins: 'in', lbs: 'lb', degs: 'deg' },
  ...{ deg: '°', '°': '°', '°C': '°C', '°F': '°F', '%': '%', $: 'USD', '€': 'EUR', '£': 'GBP' },
  ...{ '¥': 'JPY', '₹': 'INR', '¢': 'cent', Rs: 'INR', 'Rs.': 'INR', mph: 'mi/h', kph: 'km/h' },
  ...{ AM: 'am', 'A.M.': 'am', am: 'am', 'a.m.': 'am', 'a.m': 'am' },
  ...{ PM: 'pm', 'P.M.': 'pm', pm: 'pm', 'p.m.': 'pm', 'p.m': 'pm' },
};

/** Words, in any case, singular and plural. */
const WORDS: Readonly<Record<string, string>> = {
  ...plural('millimeter=mm centimeter=cm decimeter=dm meter=m kilometer=km'),
  ...plural('millimetre=mm centimetre=cm decimetre=dm metre=m kilometre=km'),
  ...plural('yard=yd mile=mi acre hectare'),
  ...plural('milliliter=mL liter=L millilitre=mL litre=L gallon=gal quart pint cup tablespoon'),
  ...plural('gram=g kilogram=kg milligram=mg ton=t tonne=t pound=lb ounce=oz teaspoon'),
  ...plural('second=s minute=min hour=h day week month year decade'),
  ...plural('dollar=USD buck=USD cent euro=EUR rupee=INR degree=° radian=rad'),
  ...plural('newton=N joule=J watt=W volt=V ampere=A kelvin=K pascal=Pa mole=mol unit'),
  ...{ inch: 'in', inches: 'in', foot: 'ft', feet: 'ft', century: 'century', yen: 'JPY' },
  ...{ centuries: 'century', penny: 'cent', pennies: 'cent', hertz: 'Hz', percent: '%' },
  ...{ percents: '%', pounds: 'lb', 'degrees celsius': '°C', 'degrees fahrenheit': '°F' },
  ...{ 'per cent': '%', 'percentage points': '%' },
};

/** What answers count. They are units only where they stand alone. */
const COUNTED: Readonly<Record<string, string>> = {
  ...plural('way solution possibility=possibilities outcome arrangement combination permutation'),
  ...plural('student child=children person boy girl player team member adult ticket'),
  ...plural('apple orange egg cookie book ball marble pencil pen card coin stamp sticker'),
  ...plural('car bus=buses train table chair box=boxes bag page word letter digit number integer'),
  ...plural('point triangle square rectangle side vertex=vertices edge face diagonal line circle'),
  ...plural('piece item game vote term factor divisor pair subset function path route tile cube'),
  ...plural('time step turn roll toss=tosses hat shirt sock tree flower animal dog cat bird fish'),
  ...{ children: 'child', people: 'person', persons: 'person', possibilities: 'possibility' },
  ...{ vertices: 'vertex', boxes: 'box', buses: 'bus', tosses: 'toss', fish: 'fish', men: 'man' },
  ...{ women: 'woman' },
};

function named(list: string): Record<string, string> {
  return Object.fromEntries(list.split(' ').map((name) => [name, name]));
}

/** `mile=mi` names `mile` and `miles` for `mi`; `acre` is its own canonical form. */
function plural(list: string): Record<string, string> {
  const entries = list.split(' ').flatMap((entry) => {
    const [name = '', unit = name] = entry.split('=');
    return [
      [name, unit],
      [`${name}s`, unit],
    ];
  });
  return Object.fromEntries(entries);
}

const POWERS: Readonly<Record<string, string>> = { square: '^2', sq: '^2', cubic: '^3', cu: '^3' };
const POWER_AFTER = /^(.*?)\s*(?:\^\s*\{?\s*(-?\d)\s*\}?|([²³])|\s(squared|cubed))$/;

/** @returns the canonical form of a unit with nothing around it; null where it is none */
export function unitOf(text: string): string | null {
  const bare = text.trim();
  if (bare === '' || bare.length > 60) return null;
  const counted = COUNTED[bare.toLowerCase()];
  if (counted !== undefined) return counted;
  const whole = simpleUnit(bare);
  if (whole !== null) return whole;
  return compoundUnit(bare);
}

/** `m/s`, `miles per hour`, `N\cdot m`. */
function compoundUnit(text: string): string | null {
  const parts = text.split(/\s*(\/|\bper\b|\\cdot|·|⋅)\s*/);
  if (parts.length < 3) return null;
  const units = parts.map((part, index) => {
    if (index % 2 === 0) return simpleUnit(part);
    return part === '/' || part === 'per' ? '/' : '·';
  });
  return units.includes(null) ? null : units.join('');
}

/** One unit, with its power: `cm^2`, `square feet`, `meters squared`. */
function simpleUnit(text: string): string | null {
  const plain = text.trim().replace(/(?<=[A-Za-z]{2})\.$/, '');
  const own = SYMBOLS[plain] ?? WORDS[plain.toLowerCase()];
  if (own !== undefined) return own;
  const [, word = '', rest] = /^(square|sq|cubic|cu)\.?\s+(.+)$/i.exec(plain) ?? [];
  const power = POWERS[word.toLowerCase()];
  if (power !== undefined && rest !== undefined) {
    const base = simpleUnit(rest);
    return base === null ? null : base + power;
  }
  const [, before, digit, sign, name] = POWER_AFTER.exec(plain) ?? [];
  if (before === undefined) return null;
  const base = SYMBOLS[before] ?? WORDS[before.toLowerCase()];
  if (base === undefined) return null;
  return `${base}^${digit ?? (sign === '²' || name === 'squared' ? 2 : 3)}`;
}

/** Whether a unit was meant by letters that might be variables: `cm^2` and `m/s`, but not `m`. */
export function isPlainUnit(text: string): boolean {
  return (/[A-Za-z]{2}/.test(text) || text.includes('/')) && unitOf(text) !== null;
}
const UNIT_IN_TEXT = new RegExp(
  [
    String.raw`^[ -]?((?:(?:square|cubic|sq\.?|cu\.?) )?[A-Za-z°$¢][A-Za-z.°]*(?:\^\{?\d\}?|[²³])?`,
    String.raw`(?:(?: ?\/ ?| per )[A-Za-z]+(?:\^\{?\d\}?|[²³])?)*)`,
  ].join(''),
);

/** The unit at the beginning of running text, right after a number; null where there is none. */
export function leadingUnit(text: string): string | null {
  const found = UNIT_IN_TEXT.exec(text.slice(0, 60))?.[1];
  if (found === undefined) return null;
  const [first = ''] = found.split(/[/ ]/);
  return unitOf(found) ?? unitOf(found.replace(/\.+$/, '')) ?? unitOf(first);
}
