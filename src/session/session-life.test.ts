import { describe, expect, it, vi } from 'vitest';
import { SessionLife } from './session-life.ts';

describe('the life of a session', () => {
  it('ends with its request, of which there may be many without a warning', () => {
    const warned = vi.spyOn(process, 'emitWarning');
    const request = new AbortController();
    const lives = Array.from({ length: 30 }, () => new SessionLife(request.signal));
    expect(warned).not.toHaveBeenCalled();
    lives[0]?.end();
    expect(lives.map(({ signal }) => signal.aborted).indexOf(false)).toBe(1);
    request.abort();
    expect(lives.every(({ signal }) => signal.aborted)).toBe(true);
    expect(lives[0]?.signal.reason).toMatchObject({ code: 'disposed' });
  });
});
