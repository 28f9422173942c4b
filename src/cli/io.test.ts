import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../test/cli/recorded-io.ts';
import { colorLevel, withoutColor } from './io.ts';

describe('colorLevel', () => {
  it.each([
    [{}, true, 3],
    [{}, false, 0],
    [{ NO_COLOR: '1' }, true, 0],
    [{ NO_COLOR: '' }, true, 3],
    [{ FORCE_COLOR: '1' }, false, 1],
    [{ FORCE_COLOR: 'true' }, false, 2],
    [{ FORCE_COLOR: '0' }, true, 0],
    [{ NO_COLOR: '1', FORCE_COLOR: '3' }, true, 0],
  ] as const)('%j on a terminal: %j gives %d', (env, isTerminal, level) => {
    expect(colorLevel(env, isTerminal, 3)).toBe(level);
  });
});

describe('withoutColor', () => {
  it('changes the colours and nothing else', () => {
    const { io, out } = recordedIo({ terminal: true, colorLevel: 3, columns: 123 });
    const plain = withoutColor(io);
    expect(io.color.red('x')).not.toBe('x');
    expect(plain.color.red('x') + plain.errColor.red('y')).toBe('xy');
    expect([plain.columns, plain.outIsTerminal, plain.signal]).toEqual([123, true, io.signal]);
    plain.out('z');
    expect(out()).toBe('z');
  });
});
