/** Parses option values as numbers, and refuses others at once. */
import { InvalidArgumentError } from 'commander';

export function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Give a positive integer.');
}

export function counts(text: string): number[] {
  return text.split(',').map(count);
}
