/** Token routing whose calls write several tokens: the same text, in fewer calls. */
import { describe, expect, it } from 'vitest';
import { expected, idsOf, remoteWorld, run, tokensOf } from './remote-world.ts';

const GATES = ['random@0.7', 'entropy@1', 'margin@0.6', 'random@1', 'random@0'];
const SEEDS = [1, 2, 3, 4];

async function counted(
  uplink: object,
  strategy: string,
): Promise<{ readonly callCount: number; readonly askedCount: number }> {
  let askedCount = 0;
  await using world = await remoteWorld({}, { uplink });
  for (const seed of SEEDS) {
    const events = await run(world.engine, { strategy, seed });
    expect(idsOf(events)).toEqual(await expected({ strategy, seed }));
    askedCount += tokensOf(events).filter(({ origin }) => origin === 'large').length;
    await world.engine.checkIdle();
  }
  return { callCount: world.server.counts.callCount, askedCount };
}

describe.each(GATES)('under %s', (strategy) => {
  it.each([{ run: 3 }, { run: 8 }, { run: 4, ahead: 6 }])(
    'the text is the same: %o',
    async (uplink) => {
      const { callCount, askedCount } = await counted(uplink, strategy);
      expect(callCount).toBeLessThanOrEqual(askedCount);
    },
  );
});

it('makes fewer calls where a gate often asks twice in a row', async () => {
  const single = await counted({}, 'random@0.7');
  const runs = await counted({ run: 8 }, 'random@0.7');
  expect(single.callCount).toBe(single.askedCount);
  expect(runs.askedCount).toBe(single.askedCount);
  expect(runs.callCount).toBeLessThan(0.6 * single.callCount);
});

it('writes no more than it was asked for, nor past the limit of an answer', async () => {
  const limits: unknown[] = [];
  const onCall = ({ body }: { readonly body?: unknown }): void => {
    limits.push((body as { readonly max_tokens?: number }).max_tokens);
  };
  await using world = await remoteWorld({ onCall }, { uplink: { run: 4 } });
  await run(world.engine, { strategy: 'random@1', seed: 2, maxTokens: 6 });
  expect(limits).toEqual([4, 2]);
});

it('cancels a run that the gate has left', async () => {
  const onToken = async (): Promise<void> => {
    await new Promise((done) => setTimeout(done, 2));
  };
  await using world = await remoteWorld({ onToken }, { uplink: { run: 16 } });
  await run(world.engine, { strategy: 'random@0.5', seed: 1 });
  const { counts } = world.server;
  await expect.poll(() => counts.abortedCount).toBeGreaterThan(0);
  expect(counts.writtenCount).toBeLessThan(16 * counts.callCount);
});

it('goes on where a stream breaks in the middle of a run', async () => {
  let left = 3;
  const onCall = ({ response }: { response: { socket: { destroy(): void } | null } }): void => {
    left -= 1;
    if (left === 0) setTimeout(() => response.socket?.destroy(), 1);
  };
  const request = { strategy: 'random@0.7', seed: 1 };
  await using world = await remoteWorld({ onCall }, { uplink: { run: 8 } });
  expect(idsOf(await run(world.engine, request))).toEqual(await expected(request));
});
