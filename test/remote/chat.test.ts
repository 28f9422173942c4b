/** A large model that takes conversations and writes text. */
import { describe, expect, it } from 'vitest';
import type { GenerateRequest } from '../../src/engine/request.ts';
import type { FakeCall } from '../../src/remote/fakes/fake-vllm.ts';
import { chatWorld, expected, idsOf, run, summaryOf } from './remote-world.ts';

const REQUEST: GenerateRequest = { prompt: 'abcd', promptTokenIds: undefined };
/** Of steps that five letters end. */
const STEPS = { steps: { separators: ['c'], stepTokenCountMax: 5 } };
const OF_STEPS = ['random-step@0.5', 'rsd-likelihood@0.95'];

describe.each(['large', 'cascade@0.2', 'cascade@9', 'random-query@0.5', ...OF_STEPS])(
  'under %s',
  (strategy) => {
    it('writes what two local models write, greedily', async () => {
      await using world = await chatWorld({}, STEPS);
      const events = await run(world.engine, { ...REQUEST, strategy });
      expect(idsOf(events)).toEqual(await expected({ ...REQUEST, strategy }, STEPS));
      expect(summaryOf(events).models['far']?.billed?.callCount ?? 0).toBe(
        // One was the probe.
        world.server.counts.callCount - 1,
      );
    });
  },
);

it.each(OF_STEPS)('an API that begins every answer anew is refused under %s', async (strategy) => {
  await using world = await chatWorld({}, STEPS, { kind: 'openai' });
  await expect(run(world.engine, { ...REQUEST, strategy })).rejects.toMatchObject({
    code: 'capability-missing',
    message: expect.stringContaining('it begins every answer anew'),
  });
});

it.each([
  ['margin', 'it gives no rows of a given text'],
  ['speculative', 'it gives no rows of a given text'],
  ['uhlm', 'it gives no'],
])('is refused under %s before anything is sent', async (strategy, why) => {
  await using world = await chatWorld();
  const { callCount } = world.server.counts;
  await expect(run(world.engine, { ...REQUEST, strategy })).rejects.toThrow(why);
  expect(world.server.counts.callCount).toBe(callCount);
});

it('takes the newer name of the length where the older is refused', async () => {
  const serving = { lengthName: 'max_completion_tokens' } as const;
  await using world = await chatWorld(serving, {}, { kind: 'openai' });
  const events = await run(world.engine, { ...REQUEST, strategy: 'large' });
  expect(idsOf(events)).toEqual(await expected({ ...REQUEST, strategy: 'large' }));
});

it('a model that takes no temperature is found, and a request with one is refused by name', async () => {
  const serving = { lengthName: 'max_completion_tokens', fixesTemperature: true } as const;
  await using world = await chatWorld(serving, {}, { kind: 'openai' });
  const request = { ...REQUEST, strategy: 'large' };
  await expect(run(world.engine, request)).rejects.toThrow(
    'it takes no temperature and no top-p but 1',
  );
  const events = await run(world.engine, { ...request, sampling: { temperature: 1 } });
  expect(idsOf(events)).toEqual(await expected(request));
});

describe.each(['vllm', 'openai'] as const)('a limit of the server, of %s,', (kind) => {
  const request = { ...REQUEST, strategy: 'large', maxTokens: 20 };

  it('is met where twice our limit is above it', async () => {
    await using world = await chatWorld({ lengthMax: 20 }, {}, { kind });
    expect(idsOf(await run(world.engine, request))).toEqual(await expected(request));
  });

  it('ends an answer as a limit, unless another call can go on', async () => {
    await using world = await chatWorld({ lengthCut: 5 }, {}, { kind });
    const events = await run(world.engine, request);
    const whole = await expected(request);
    const isCut = kind === 'openai';
    const text = idsOf(events).slice(0, 5);
    expect(text).toEqual(whole.slice(0, 5));
    if (!isCut) expect(idsOf(events)).toEqual(whole);
    if (isCut)
      expect(summaryOf(events)).toMatchObject({ finishReason: 'token-limit', tokenCount: 6 });
  });
});

it.each(['vllm', 'openai'] as const)(
  'a stream of %s that breaks before a word is whole is asked for again',
  async (kind) => {
    let left = Number.POSITIVE_INFINITY;
    const onToken = ({ response }: FakeCall): void => {
      left -= 1;
      if (left === 0) response.socket?.destroy();
    };
    await using world = await chatWorld({ onToken }, {}, { kind });
    left = 6;
    const events = await run(world.engine, { ...REQUEST, strategy: 'large' });
    expect(idsOf(events)).toEqual(await expected({ ...REQUEST, strategy: 'large' }));
  },
);
