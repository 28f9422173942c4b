/**
 * Options of a command as data. A table declares each option once, under the name of the field that it
 * sets. `addFlags` shows and parses them, `readFlags` turns the parsed values into those fields.
 */
import { type Command, Option } from 'commander';
import type { DefinedFields } from '../../core/defined-fields.ts';
import { collectText } from './collect-text.ts';
import { integerFrom, type NumberRange, numberParser } from './parse-number.ts';
import { shareParser, sharesParser } from './parse-shares.ts';

export interface Flag<T> {
  /** The usage in the help: `--rounds <N>`. */
  readonly usage: string;
  readonly description: string;
  /**
   * Absent: the text itself; if `usage` has no value, true.
   * @param before the earlier value of the flag, if it is given several times
   */
  parse?(text: string, before?: T): T;
  /** The only texts that are allowed. */
  readonly choices?: readonly string[] | undefined;
  /** The value if the flag is not given; the help names it. */
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

/** A text, unchanged. */
export function text(usage: string, description: string): Flag<string> {
  return { usage, description };
}

/** Texts of a flag that may be given several times. */
export function texts(usage: string, description: string): Flag<readonly string[]> {
  return { usage, description, parse: collectText };
}

/** A flag without a value. With a usage `--no-…` it is true by default and false if it is given. */
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

/** Returns `--rounds` for `--rounds <N>`. */
function nameOf(usage: string): string {
  return usage.split(' ')[0] ?? usage;
}
