import { describe, expect, it } from 'vitest';
import { strategyStyles } from './strategy-styles.ts';

const NONE = new Set<string>();

describe('strategyStyles', () => {
  it('keeps the looks of known strategies whatever else there is', () => {
    const alone = strategyStyles(['margin'], NONE).get('margin');
    const among = strategyStyles(['zebra', 'random', 'margin', 'entropy'], new Set(['random']));
    expect(among.get('margin')).toEqual(alone);
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
    const names = Array.from({ length: 60 }, (_, place) => `method-${place}`);
    expect(strategyStyles(names, NONE).size).toBe(60);
  });
});
