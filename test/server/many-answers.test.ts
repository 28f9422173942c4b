/** More answers than the engine has room for at once. */
import { expect, it } from 'vitest';
import { Engine } from '../../src/engine/engine.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { apiServer } from '../../src/server/api-server.ts';
import { LARGE, TOKENS } from '../remote/remote-world.ts';

it.each([
  ['/v1/chat/completions', { messages: [{ role: 'user', content: 'abcd' }], n: 4 }, 4],
  ['/v1/completions', { prompt: ['abcd', 'dcba', 'ab'], n: 2, max_tokens: 60 }, 6],
])('%s: each waits for its turn', async (url, asked, count) => {
  const large = new ScriptedModel({
    ...{ name: 'large', tokens: TOKENS, endOfGeneration: [TOKENS.length - 1], next: LARGE },
    // Room for one whole context.
    ...{ contextLength: 128, cellCount: 128 },
  });
  await using engine = new Engine({ models: { large } });
  const pair = { name: 'fake', engine, strategies: ['large'], strategyDefault: 'large' };
  await using server = apiServer({
    pairs: [pair],
    keys: [],
    hosts: [],
    onFailure: () => undefined,
  });
  for (const stream of [false, true]) {
    const payload = { ...asked, model: 'large', seed: 1, stream };
    const { body } = await server.app.inject({ method: 'POST', url, payload });
    const ends = body.match(/"finish_reason":"(stop|length)"/g);
    expect(ends).toHaveLength(count);
  }
  await engine.checkIdle();
});
