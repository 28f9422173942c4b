import { describe, expect, it } from 'vitest';
import { ComputeDevice } from './compute-device.ts';

describe('a compute device', () => {
  const [one, other] = [Symbol('one'), Symbol('other')];
  const device = () => new ComputeDevice({ name: 'a device', waitingCountMax: 4 });

  it('reports whether streams of another user had the turn before', () => {
    const used = device();
    expect(used.beginTurn(one, true)).toBe(false);
    expect(used.beginTurn(one, true)).toBe(false);
    expect(used.beginTurn(other, false)).toBe(true);
    expect(used.beginTurn(one, false)).toBe(false);
  });

  it('is like new after it forgot', () => {
    const used = device();
    used.beginTurn(one, true);
    used.forget();
    expect(used.beginTurn(other, true)).toBe(false);
    expect(used.beginTurn(one, true)).toBe(true);
  });
});
