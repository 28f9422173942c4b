import { describe, expect, it } from 'vitest';
import { STRATEGIES } from '../strategy/registry.ts';
import { strategyStyles } from './strategy-styles.ts';

const NONE = new Set<string>();

describe('strategyStyles', () => {
  it('keeps the looks of known strategies whatever else there is', () => {
    const alone = strategyStyles(['margin'], NONE).get('margin');
    const among = strategyStyles(['zebra', 'random', 'margin', 'entropy'], new Set(['random']));
    expect(among.get('margin')).toEqual(alone);
  });

  it('gives every strategy that chooses or drafts a colour of its own, the same in any company', () => {
    const names = STRATEGIES.map(({ name }) => name).filter(
      (name) => !['small', 'large', 'random', 'random-query'].includes(name),
    );
    const styles = strategyStyles(names, NONE);
    expect(new Set(names.map((name) => styles.get(name)?.color)).size).toBe(names.length);
    for (const name of names) {
      const others = ['zebra', name, 'ant'];
      expect(strategyStyles(others, NONE).get(name)).toEqual(styles.get(name));
    }
  });

  it('has ten colours, then dashes', () => {
    const names = Array.from({ length: 20 }, (_, place) => `method-${place}`);
    const looks = [...strategyStyles(names, NONE).values()];
    expect(new Set(looks.slice(0, 10).map(({ color }) => color)).size).toBe(10);
    const lines = looks.map(({ color, dash }) => `${color} ${dash.join(' ')}`);
    expect(new Set(lines).size).toBe(20);
  });

  it('gives no two methods the same looks, far beyond the number of hues', () => {
    const names = Array.from({ length: 20 }, (_, place) => `method-${place}`);
    const looks = [...strategyStyles([...names, 'entropy', 'rsd'], NONE).values()];
    expect(new Set(looks.map((look) => JSON.stringify(look))).size).toBe(22);
  });

  it('draws controls in one grey, by shape apart, and the models alone in ink', () => {
    const styles = strategyStyles(['small', 'a', 'b', 'c'], new Set(['a', 'b']));
    expect(styles.get('a')?.color).toBe(styles.get('b')?.color);
    expect(styles.get('a')?.shape).not.toBe(styles.get('b')?.shape);
    expect(new Set(['small', 'a', 'c'].map((name) => styles.get(name)?.color)).size).toBe(3);
  });

  it('still has looks when all are taken', () => {
    const names = Array.from({ length: 70 }, (_, place) => `method-${place}`);
    expect(strategyStyles(names, NONE).size).toBe(70);
  });
});
