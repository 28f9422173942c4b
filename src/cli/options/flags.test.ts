import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  addFlags,
  choice,
  count,
  type FlagTable,
  readFlags,
  share,
  shares,
  text,
  texts,
  toggle,
} from './flags.ts';

interface Fields {
  readonly folder?: string | undefined;
  readonly roundCount?: number | undefined;
  readonly width: number;
  readonly headFiles?: readonly string[] | undefined;
  readonly keepsRows: boolean;
  readonly logs?: boolean | undefined;
  readonly role?: 'small' | 'large' | undefined;
  readonly screenShare?: number | undefined;
  readonly shares?: readonly number[] | undefined;
}

const TABLE: FlagTable<Fields> = {
  folder: text('--out <FOLDER>', 'where'),
  roundCount: count('--rounds <N>', 'how many', 8),
  width: count('--width <N>', 'how wide', 100, 7),
  headFiles: texts('--head <FILE>', 'which'),
  keepsRows: toggle('--no-cache', 'forget'),
  logs: toggle('--logs', 'keep'),
  role: choice('--role <MODEL>', 'who', ['small', 'large']),
  screenShare: share('--screen <SHARE>', 'how much'),
  shares: shares('--shares <LIST>', 'where'),
};

function command(): Command {
  const silent = { writeErr: () => {}, writeOut: () => {} };
  return addFlags(new Command('test').exitOverride().configureOutput(silent), TABLE);
}

function parsed(...args: readonly string[]): Partial<Fields> {
  return readFlags(TABLE, command().parse(args, { from: 'user' }).opts());
}

describe('flags', () => {
  it('set the fields that they are declared under', () => {
    const args = ['--out', 'o', '--rounds', '3', '--width', '9', '--head', 'a', '--head', 'b'];
    const more = ['--no-cache', '--logs', '--role', 'large', '--screen', '25%', '--shares', '1,.5'];
    expect(parsed(...args, ...more)).toEqual({
      ...{ folder: 'o', roundCount: 3, width: 9, headFiles: ['a', 'b'], keepsRows: false },
      ...{ logs: true, role: 'large', screenShare: 0.25, shares: [1, 0.5] },
    });
  });

  it('that are not given leave their fields out, or at their defaults', () => {
    expect(Object.entries(parsed())).toEqual([
      ['width', 7],
      ['keepsRows', true],
    ]);
  });

  it('refuse invalid values by name', () => {
    expect(() => parsed('--rounds', '9')).toThrow('--rounds is "9", not an integer from 1 to 8.');
    expect(() => parsed('--screen', 'half')).toThrow('--screen is "half"');
    expect(() => parsed('--role', 'both')).toThrow("'both' is invalid");
  });

  it('stand in the help in the order of the table', () => {
    const help = command().helpInformation();
    const places = ['--out', '--rounds', '--width', '--head', '--no-cache', '--shares'].map(
      (name) => help.indexOf(name),
    );
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(help).toContain('how wide (default: 7)');
  });
});
