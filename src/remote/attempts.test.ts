import { describe, expect, it } from 'vitest';
import { Attempts } from './attempts.ts';
import { ServerFailure } from './server-failure.ts';
import { SERVER_LIMITS } from './server-limits.ts';

const SIGNAL = new AbortController().signal;

function failure(details: { isRetryable?: boolean; retryAfterMs?: number } = {}): ServerFailure {
  const base = { code: 'server-unreachable', remedy: 'wait', isRetryable: true } as const;
  return new ServerFailure('host', 'it failed', { ...base, ...details });
}

class World {
  nowMs = 0;
  readonly waits: number[] = [];
  readonly attempts: Attempts;

  constructor() {
    this.attempts = new Attempts({
      limits: SERVER_LIMITS,
      clock: { nowMs: () => this.nowMs },
      random: () => 1,
      sleep: async (ms) => {
        this.waits.push(ms);
        this.nowMs += ms;
      },
    });
  }

  /** A call whose attempts end like this, in order. */
  run(...ends: readonly (Error | 'ok')[]): Promise<number> {
    let count = 0;
    return this.attempts.run(async () => {
      const end = ends[Math.min(count, ends.length - 1)];
      count += 1;
      if (end instanceof Error) throw end;
      return count;
    }, SIGNAL);
  }
}

describe('attempts at a call', () => {
  it('are made again after failures that may pass, with growing pauses', async () => {
    const world = new World();
    await expect(world.run(failure(), failure(), failure(), 'ok')).resolves.toBe(4);
    expect(world.waits).toEqual([200, 400, 800]);
  });

  it('wait as long as the server asks', async () => {
    const world = new World();
    await world.run(failure({ retryAfterMs: 3_000 }), 'ok');
    expect(world.waits).toEqual([3_000]);
  });

  it('are not made again after a refusal, or another error', async () => {
    const world = new World();
    const refusal = failure({ isRetryable: false });
    await expect(world.run(refusal, 'ok')).rejects.toBe(refusal);
    const bug = new Error('a bug');
    await expect(world.run(bug, 'ok')).rejects.toBe(bug);
    expect(world.waits).toEqual([]);
  });

  it('end after a number of them, or where the patience would', async () => {
    const world = new World();
    await expect(world.run(failure())).rejects.toThrow('it failed');
    expect(world.waits).toHaveLength(SERVER_LIMITS.attemptCountMax - 1);
    const hours = failure({ retryAfterMs: 3_600_000 });
    const other = new World();
    await expect(other.run(hours, 'ok')).rejects.toBe(hours);
    expect(other.waits).toEqual([]);
  });

  it('begin no call for a while after several have failed, then one', async () => {
    const world = new World();
    for (let call = 0; call < SERVER_LIMITS.failedCallCountMax; call += 1) {
      await expect(world.run(failure())).rejects.toThrow();
    }
    const waitCount = world.waits.length;
    await expect(world.run('ok')).rejects.toThrow('it failed');
    expect(world.waits).toHaveLength(waitCount);
    world.nowMs += SERVER_LIMITS.restMs;
    await expect(world.run(failure())).rejects.toThrow('it failed');
    await expect(world.run('ok')).rejects.toThrow('it failed');
    world.nowMs += SERVER_LIMITS.restMs;
    await expect(world.run('ok')).resolves.toBe(1);
    await expect(world.run('ok')).resolves.toBe(1);
  });
});
