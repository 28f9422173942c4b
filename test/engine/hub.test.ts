/** A device and a hub that share nothing but frames write what one process with both models writes. */
import { describe, expect, it } from 'vitest';
import type { TokenId } from '../../src/core/token-id.ts';
import { HubModel } from '../../src/device/hub-model.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Hub } from '../../src/hub/hub.ts';
import { serveConnection } from '../../src/hub/serve-connection.ts';
import { memoryTransports } from '../../src/link/memory-transport.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';

const TOKENS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', ''];
const END = 7;

function next(salt: number) {
  return (prefix: readonly TokenId[]): readonly number[] => {
    const weights = TOKENS.map((_, id) => {
      const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 10_007, 7);
      const own = (hash * 17 + id * 7919 + (id % 3) * salt) % 101;
      return id === END ? (prefix.length > 20 ? 20 : 0.5) : 1 + own;
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
}

const model = (name: string, salt: number): ScriptedModel =>
  new ScriptedModel({
    name,
    tokens: TOKENS,
    endOfGeneration: [END],
    next: next(salt),
    cellCount: 512,
  });

async function collect(engine: Engine, strategy: string, seed: number, temperature: number) {
  const events = [];
  for await (const event of engine.generate({
    promptTokenIds: [0, 1, 2],
    strategy,
    seed,
    sampling: { temperature },
    maxTokens: 40,
    logprobs: true,
  }))
    events.push(event);
  return events;
}

describe('x', () => {
  it('writes the same', async () => {
    const hub = new Hub({ model: model('large', 13), digest: '0'.repeat(64) });
    const connect = async () => {
      const [mine, its] = memoryTransports();
      void serveConnection(hub, its, 'key');
      return { transport: mine, facts: hub.facts };
    };
    const small = model('small', 0);
    const { transport, facts } = await connect();
    const device = new Engine({
      models: {
        small,
        large: new HubModel({ connect, vocabulary: small.vocabulary }, facts, transport),
      },
    });
    const both = new Engine({ models: { small: model('small', 0), large: model('large', 13) } });
    for (const strategy of [
      'hlm',
      'uhlm@0.4',
      'cu-hlm@0.4',
      'large',
      'random-uhlm@0.5',
      'random@0.5',
    ]) {
      for (const temperature of [0, 1]) {
        const a = await collect(both, strategy, 5, temperature);
        const b = await collect(device, strategy, 5, temperature);
        const tokens = (events: typeof a) =>
          events.filter((event) => event.type === 'token').map(({ elapsedMs, ...rest }) => rest);
        expect(tokens(b)).toEqual(tokens(a));
      }
    }
    await device.close();
    expect(hub.status.requestCount).toBe(0);
    await hub.checkIdle();
  });
});
