/** Exact decimal numbers, for bounds and steps that a double cannot hold. */
import { LosslessNumber } from 'lossless-json';
import { type JsonObject, schemaError } from './schema-keywords.ts';

/** units / 10^scale */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** Beyond, a number has too many digits to be written out. */
const EXPONENT_MAX = 400;

/** @throws PilotfishError `grammar-invalid` if the keyword is not a number; null: it is absent */
export function decimalOf(schema: JsonObject, keyword: string, where: string): Decimal | null {
  const value = schema[keyword];
  if (value === undefined) return null;
  const isNumber = typeof value === 'number' || value instanceof LosslessNumber;
  const parts = /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(isNumber ? String(value) : '');
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts ?? [];
  if (parts === null || Math.abs(Number(exponent)) > EXPONENT_MAX) {
    throw schemaError(where, `has a "${keyword}" that is not a number`, 'Give a number.');
  }
  const scale = fraction.length - Number(exponent);
  const units = BigInt(`${sign}${whole}${fraction}`);
  return shortest(
    scale < 0 ? { units: units * 10n ** BigInt(-scale), scale: 0 } : { units, scale },
  );
}

function shortest({ units, scale }: Decimal): Decimal {
  let result = { units, scale };
  while (result.scale > 0 && result.units % 10n === 0n) {
    result = { units: result.units / 10n, scale: result.scale - 1 };
  }
  return result;
}

/** The units at a scale that is at least the number's own. */
export function unitsAt({ units, scale }: Decimal, target: number): bigint {
  return units * 10n ** BigInt(target - scale);
}

export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = unitsAt(a, scale) - unitsAt(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function floor({ units, scale }: Decimal): bigint {
  const one = 10n ** BigInt(scale);
  const down = units / one;
  return units < 0n && down * one !== units ? down - 1n : down;
}

export function decimalText({ units, scale }: Decimal): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${units < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}
