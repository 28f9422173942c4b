import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { untilAborted } from './until-aborted.ts';

const never = new Promise<never>(() => undefined);

describe('untilAborted', () => {
  it('returns the result of the work and leaves no listener behind', async () => {
    const { signal } = new AbortController();
    await expect(untilAborted(Promise.resolve(7), signal)).resolves.toBe(7);
    const failing = Promise.reject(new TypeError('it failed'));
    await expect(untilAborted(failing, signal)).rejects.toThrow('it failed');
    await new Promise(setImmediate);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    await expect(untilAborted(Promise.resolve(7), undefined)).resolves.toBe(7);
  });

  it('ends with the request, even if the work goes on', async () => {
    const controller = new AbortController();
    const waiting = untilAborted(never, controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await expect(untilAborted(never, AbortSignal.abort())).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});
