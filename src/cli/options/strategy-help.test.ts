import { describe, expect, it } from 'vitest';
import { UNITS, type Unit } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import { strategyHelp } from './strategy-help.ts';

const entryOf = (name: string): string => {
  const [, behind = ''] = strategyHelp(METHODS, 400).split(`\n  ${name} `);
  return behind.split(/\n(?: {2})?(?=\S)/)[0] ?? '';
};

/** How the heading of each unit begins. */
const HEADING = {
  none: 'One',
  token: 'Token',
  draft: 'Draft',
  step: 'Step',
  query: 'Answer',
} as const;

describe('help on strategies', () => {
  it('lists every strategy with its summary and the meaning of its threshold', () => {
    for (const { name, summary, threshold } of METHODS) {
      const entry = entryOf(name);
      expect(entry).toContain(summary);
      if (threshold === null) expect(entry).not.toContain('@');
      else expect(entry).toContain(`: ${threshold.meaning}`);
    }
  });

  it('tells the default of a threshold, or that the router has it', () => {
    expect(entryOf('entropy')).toContain('@entropy (default 1): ');
    expect(entryOf('citer')).toContain('@tau (default from its head): ');
    expect(strategyHelp(METHODS, 80)).not.toMatch(/null|undefined/);
  });

  it('groups methods by their unit, with a heading for each unit', () => {
    const [first, ...lines] = strategyHelp(METHODS, 400).split('\n');
    expect(first).toBe('Strategies, as NAME or NAME@THRESHOLD');
    const starts = lines.flatMap((line) => /^(?: {2})?\S+/.exec(line)?.[0].trim() ?? []);
    const named = (unit: Unit | null) =>
      METHODS.filter((method) => method.unit === unit).map(({ name }) => name);
    const groups = ([null, ...UNITS] as const).map((unit) => [
      HEADING[unit ?? 'none'],
      named(unit),
    ]);
    const filled = groups.filter(([, names]) => names?.length !== 0);
    expect(starts).toEqual(filled.flat(2));
  });

  it('keeps to the width of the terminal', () => {
    for (const line of strategyHelp(METHODS, 80).split('\n')) {
      expect(line.length).toBeLessThanOrEqual(80);
    }
  });
});
