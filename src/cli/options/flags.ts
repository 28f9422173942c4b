/**
 * Options of a command as data. A table declares each of them once, under the name of the field that
 * it sets; `addFlags` shows and parses them, `readFlags` turns what was parsed into those fields.
 */
import { type Command, Option } from 'commander';
import type { DefinedFields } from '../../core/defined-fields.ts';
import { collectText } from './collect-text.ts';
import { integerFrom, type NumberRange, numberParser } from './parse-number.ts';
import { shareParser, sharesParser } from './parse-shares.ts';

export interface Flag<T> {
  /** As the help shows it: `--rounds <N>`. */
  readonly usage: string;
  readonly description: string;
  /**
   * Absent: the text itself; without a value in `usage`, true.
   * @param before the value of the flag so far, where it is given several times
   */
  parse?(text: string, before?: T): T;
  /** The only texts that are allowed. */
  readonly choices?: readonly string[] | undefined;
  /** The value where the flag is not given, which the help names. */
  readonly byDefault?: T | undefined;
}

/** Flags by the fields that they set. */
export type FlagTable<T> = { readonly [K in keyof T]-?: Flag<Exclude<T[K], undefined>> };

/** Adds the flags in the order of the table. */
export function addFlags<T>(command: Command, table: FlagTable<T>): Command {
  for (const flag of flagsOf(table)) command.addOption(optionOf(flag[1]));
  return command;
}

/**
 * The fields whose flags were given or have a default.
 * @param parsed the options that commander hands to the command's action
 */
export function readFlags<T>(table: FlagTable<T>, parsed: object): DefinedFields<T> {
  const values = new Map(Object.entries(parsed));
  const fields = flagsOf(table).flatMap(([field, flag]) => {
    const value: unknown = values.get(optionOf(flag).attributeName());
    return value === undefined ? [] : [[field, value]];
  });
  // Each value comes from its own flag's parser, which the table ties to the field's type.
  return Object.fromEntries(fields) as DefinedFields<T>;
}

function flagsOf<T>(table: FlagTable<T>): [string, Flag<unknown>][] {
  return Object.entries<Flag<unknown>>(table);
}

function optionOf(flag: Flag<unknown>): Option {
  const { usage, description, parse, choices, byDefault } = flag;
  const option = new Option(usage, description);
  if (choices !== undefined) option.choices(choices);
  if (parse !== undefined) option.argParser(parse);
  if (byDefault !== undefined) option.default(byDefault);
  return option;
}

/** A text as it is. */
export function text(usage: string, description: string): Flag<string> {
  return { usage, description };
}

/** Texts of a flag that may be given several times. */
export function texts(usage: string, description: string): Flag<readonly string[]> {
  return { usage, description, parse: collectText };
}

/** Present or absent. With a usage `--no-…` it is true by default and false where it is given. */
export function toggle(usage: string, description: string): Flag<boolean> {
  return { usage, description };
}

export function choice<T extends string>(
  usage: string,
  description: string,
  choices: readonly T[],
  byDefault?: T,
): Flag<T> {
  return { usage, description, choices, byDefault };
}

export function number(
  usage: string,
  description: string,
  range: NumberRange,
  byDefault?: number,
): Flag<number> {
  return { usage, description, parse: numberParser(nameOf(usage), range), byDefault };
}

/** An integer from 1 up to `max`. */
export function count(
  usage: string,
  description: string,
  max: number,
  byDefault?: number,
): Flag<number> {
  return number(usage, description, integerFrom(1, max), byDefault);
}

export function share(usage: string, description: string): Flag<number> {
  return { usage, description, parse: shareParser(nameOf(usage)) };
}

export function shares(usage: string, description: string): Flag<readonly number[]> {
  return { usage, description, parse: sharesParser(nameOf(usage)) };
}

/** `--rounds` of `--rounds <N>`. */
function nameOf(usage: string): string {
  return usage.split(' ')[0] ?? usage;
}
