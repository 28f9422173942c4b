import { describe, expect, it } from 'vitest';
import { METHODS } from '../strategy/methods.ts';
import { strategyStyles } from './strategy-styles.ts';

const NONE = new Set<string>();

describe('strategyStyles', () => {
  it('keeps the styles of known strategies in every result', () => {
    const alone = strategyStyles(['margin'], NONE).get('margin');
    const among = strategyStyles(['zebra', 'random', 'margin', 'entropy'], new Set(['random']));
    expect(among.get('margin')).toEqual(alone);
  });

  it('gives a method with its own style that style, in every result', () => {
    const names = METHODS.filter(({ style }) => style !== null).map(({ name }) => name);
    expect(names).toContain('citer');
    const styles = strategyStyles(names, NONE);
    const looks = names.map((name) => JSON.stringify(styles.get(name)));
    expect(new Set(looks).size).toBe(names.length);
    for (const name of names) {
      const others = ['zebra', name, 'ant'];
      expect(strategyStyles(others, NONE).get(name)).toEqual(styles.get(name));
    }
  });

  it('has ten colours, then dashes', () => {
    const names = Array.from({ length: 20 }, (_, place) => `method-${place}`);
    const looks = [...strategyStyles(names, NONE).values()];
    expect(new Set(looks.slice(0, 10).map(({ hue }) => hue)).size).toBe(10);
    const lines = looks.map(({ hue, dash }) => `${hue.light} ${dash.join(' ')}`);
    expect(new Set(lines).size).toBe(20);
  });

  it('gives no two methods the same style, far beyond the number of hues', () => {
    const names = Array.from({ length: 20 }, (_, place) => `method-${place}`);
    const looks = [...strategyStyles([...names, 'entropy', 'rsd'], NONE).values()];
    expect(new Set(looks.map((look) => JSON.stringify(look))).size).toBe(22);
  });

  it('draws controls in one grey with different shapes, and the models alone in ink', () => {
    const styles = strategyStyles(['small', 'a', 'b', 'c'], new Set(['a', 'b']));
    expect(styles.get('a')?.hue).toBe(styles.get('b')?.hue);
    expect(styles.get('a')?.shape).not.toBe(styles.get('b')?.shape);
    expect(new Set(['small', 'a', 'c'].map((name) => styles.get(name)?.hue)).size).toBe(3);
  });

  it('still has styles when all are taken', () => {
    const names = Array.from({ length: 70 }, (_, place) => `method-${place}`);
    expect(strategyStyles(names, NONE).size).toBe(70);
  });
});
