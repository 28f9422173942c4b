import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentEntries } from './recent-entries.ts';

describe('RecentEntries', () => {
  it('drops the least recently used entry', () => {
    const dropped: number[] = [];
    const entries = new RecentEntries<number>(2, (value) => dropped.push(value));
    entries.add('a', 1);
    entries.add('b', 2);
    expect(entries.get('a')).toBe(1);
    entries.add('c', 3);
    expect(dropped).toEqual([2]);
    expect(['a', 'b', 'c'].map((key) => entries.get(key))).toEqual([1, undefined, 3]);
  });

  it('holds the most recently used entries after any sequence of calls', () => {
    const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 40 });
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 4 }), (asked, countMax) => {
        let alive = 0;
        const entries = new RecentEntries<string>(countMax, () => {
          alive -= 1;
        });
        const used: string[] = [];
        for (const key of asked) {
          const recent = [...new Set([...used].reverse())].slice(0, countMax);
          expect(entries.get(key)).toBe(recent.includes(key) ? key : undefined);
          if (!recent.includes(key)) {
            entries.add(key, key);
            alive += 1;
          }
          used.push(key);
          expect(alive).toBe(Math.min(countMax, new Set(used).size));
        }
      }),
    );
  });
});
