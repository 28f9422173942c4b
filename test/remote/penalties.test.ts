/** Penalties over a window of the text, on a server that counts only what it writes in a call. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SamplingParams } from '../../src/core/sampling-params.ts';
import { Engine } from '../../src/engine/engine.ts';
import { idsOf, local, type RemoteWorld, remoteWorld, run, SPECULATIVE } from './remote-world.ts';

const STRATEGIES = ['large', 'random@1', 'margin@0.4', 'speculative', 'random-step@0.5', 'hlm'];
const SAMPLINGS: readonly Partial<SamplingParams>[] = [
  { presencePenalty: 1.5, penaltyWindow: 3 },
  { frequencyPenalty: 0.8, penaltyWindow: 16 },
  { frequencyPenalty: -0.5, presencePenalty: 2, penaltyWindow: 5, logitBias: { '1': 1 } },
  { repetitionPenalty: 2.5, penaltyWindow: 128 },
  { repetitionPenalty: 1.7, penaltyWindow: 128, logitBias: { '3': 2 } },
];

let here: Engine;
let world: RemoteWorld;
beforeAll(async () => {
  const models = { small: local('small'), large: local('large') };
  here = new Engine({ models, speculative: SPECULATIVE });
  world = await remoteWorld({ topCountMax: 1 }, { speculative: SPECULATIVE });
});
afterAll(async () => {
  await here.close();
  await world[Symbol.asyncDispose]();
});

describe.each(STRATEGIES)('under %s', (strategy) => {
  it.each([undefined, { regex: '(ab|cd|ee){12}' }])(
    'the text is that of two local models, with the grammar %o',
    async (grammar) => {
      const asked = { strategy, ...(grammar === undefined ? {} : { grammar }) };
      const plain = idsOf(await run(here, asked));
      for (const sampling of SAMPLINGS) {
        const ids = idsOf(await run(world.engine, { ...asked, sampling }));
        expect(ids).toEqual(idsOf(await run(here, { ...asked, sampling })));
        expect(ids).not.toEqual(plain);
      }
    },
  );
});

it('that differ from token to token take a call for each, and others one for all', async () => {
  const callsOf = async (sampling: Partial<SamplingParams>): Promise<readonly number[]> => {
    const before = world.server.counts.callCount;
    const ids = idsOf(await run(world.engine, { strategy: 'large', sampling, maxTokens: 9 }));
    return [world.server.counts.callCount - before, ids.length];
  };
  expect(await callsOf({ presencePenalty: 1 })).toEqual([9, 9]);
  expect(await callsOf({ repetitionPenalty: 1.2, penaltyWindow: 128 })).toEqual([1, 9]);
  expect(await callsOf({ presencePenalty: 1, penaltyWindow: 0 })).toEqual([1, 9]);
});

it.each<[Partial<SamplingParams>, string]>([
  [{ repetitionPenalty: 1.2 }, 'give a penalty window of 128 tokens or more'],
  [{ repetitionPenalty: 1.2, presencePenalty: 1, penaltyWindow: 128 }, 'before other penalties'],
  [{ frequencyPenalty: 2 }, 'with the penalties of a whole window, up to 100, not 128'],
  [
    { presencePenalty: 1, penaltyWindow: 2000 },
    'it takes 1024 biases and penalised tokens, not 2000',
  ],
  [{ logitBias: { '1': 101 } }, 'it takes logit biases up to 100, not 101'],
])(
  'that the server would not apply as this program does are refused: %o',
  async (sampling, why) => {
    const before = world.server.counts.callCount;
    await expect(run(world.engine, { strategy: 'large', sampling })).rejects.toThrow(why);
    expect(world.server.counts.callCount).toBe(before);
  },
);
