/** What a run in one process would send is what a device sends to a hub, to the byte. */
import { expect, it } from 'vitest';
import { carriedSince, MessageLog } from '../../src/channel/emulation/message-log.ts';
import { messageBytes, type SentDistribution } from '../../src/channel/message-bytes.ts';
import { recordedExchange } from '../../src/channel/recorded-exchange.ts';
import type { EngineEvent } from '../../src/core/events.ts';
import { HubModel } from '../../src/device/hub-model.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Hub } from '../../src/hub/hub.ts';
import { serveConnection } from '../../src/hub/serve-connection.ts';
import { memoryTransports } from '../../src/link/memory-transport.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import type { UplinkOptions } from '../../src/strategy/strategy-options.ts';

const TOKENS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', ''];
const END = 7;

function scripted(name: string, salt: number): ScriptedModel {
  return new ScriptedModel({
    ...{ name, tokens: TOKENS, endOfGeneration: [END] },
    ...{ contextLength: 256, cellCount: 512 },
    next: (prefix) => {
      const weights = TOKENS.map((_, id) =>
        id === END ? 0 : 1 + ((prefix.length * 17 + id * 7919 + (id % 3) * salt) % 101),
      );
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return weights.map((weight) => weight / sum);
    },
  });
}

interface Sent {
  readonly upBytes: number;
  readonly downBytes: number;
}

/** By token. */
async function sentBy(
  events: AsyncIterable<EngineEvent>,
  log: MessageLog,
): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  let before = log.total;
  for await (const event of events) {
    if (event.type !== 'token') continue;
    const { upBytes, downBytes } = carriedSince(log.total, before);
    sent.push({ upBytes, downBytes });
    before = log.total;
  }
  return sent;
}

interface Pair {
  readonly device: Engine;
  readonly both: Engine;
  readonly log: MessageLog;
  /** Tokens of the compressed distributions that `both` would send. */
  readonly keptCounts: readonly number[];
}

async function pairOf(uplink: UplinkOptions): Promise<Pair> {
  const hub = new Hub({ model: scripted('large', 13), digest: '0'.repeat(64) });
  const log = new MessageLog();
  const connect = async () => {
    const [near, far] = memoryTransports();
    void serveConnection(hub, far, 'device');
    return { transport: log.watch(near), facts: hub.facts };
  };
  const small = scripted('small', 0);
  const { transport, facts } = await connect();
  const large = new HubModel({ connect, vocabulary: small.vocabulary }, facts, transport);
  const keptCounts: number[] = [];
  const device = new Engine({ models: { small, large }, uplink });
  const both = new Engine({
    ...{ models: { small: scripted('small', 0), large: scripted('large', 13) }, uplink },
    onTransmit: (one) => {
      if (one.kind === 'compressed') keptCounts.push(one.compressed.tokenIds.length);
    },
  });
  return { device, both, log, keptCounts };
}

it('of the hub alone, which is asked for more in time', async () => {
  const { device, both, log } = await pairOf({});
  const request = { promptTokenIds: [0, 1, 2], strategy: 'large', maxTokens: 170 };
  const events: EngineEvent[] = [];
  for await (const event of both.generate(request)) events.push(event);
  const bytes = messageBytes(TOKENS.length, { kind: 'none' });
  const { turns, opening } = recordedExchange(events, bytes);
  const sum = (way: 'upBytes' | 'downBytes'): number =>
    [opening, ...turns].reduce((total, { call }) => total + (call?.[way] ?? 0), 0);
  expect(turns).toHaveLength(170);
  const asked = turns.flatMap(({ call }, at) => (call?.upBytes ? at : []));
  expect(asked).toEqual([0, 32, 64]);
  let before = log.total;
  const ups: number[] = [];
  for await (const event of device.generate(request)) {
    if (event.type !== 'token') continue;
    ups.push(carriedSince(log.total, before).upBytes);
    before = log.total;
  }
  const first = (opening.call?.upBytes ?? 0) + (turns[0]?.call?.upBytes ?? 0);
  expect(ups).toEqual([first, ...turns.slice(1).map(({ call }) => call?.upBytes)]);
  expect(before.upBytes).toBe(sum('upBytes'));
  expect(log.total.downBytes).toBe(sum('downBytes'));
  await device.close();
  await both.close();
});

it.each<[string, 'distribution' | 'top' | 'ids', SentDistribution]>([
  ['hlm', 'distribution', { kind: 'full' }],
  ['hlm', 'ids', { kind: 'none' }],
  ['hlm', 'top', { kind: 'top', tokenCount: 3, bitCount: 8 }],
  // Levels of 2 bits leave some of 6 tokens out.
  ['cu-hlm@0.5', 'top', { kind: 'top', tokenCount: 6, bitCount: 2 }],
  ['uhlm@0.5', 'distribution', { kind: 'full' }],
  ['random-uhlm@0.4', 'ids', { kind: 'none' }],
])('of %s with %s', async (strategy, sends, sent) => {
  const { tokenCount, bitCount } = { tokenCount: 3, bitCount: 8, ...sent };
  const { device, both, log, keptCounts } = await pairOf({ sends, tokenCount, bitCount });
  const request = {
    ...{ promptTokenIds: [0, 1, 2], strategy, seed: 5, maxTokens: 60 },
    sampling: { temperature: 1 },
  };
  const events: EngineEvent[] = [];
  for await (const event of both.generate(request)) events.push(event);
  const { turns } = recordedExchange(events, messageBytes(TOKENS.length, sent), { keptCounts });
  if (bitCount === 2) expect(new Set(keptCounts).size).toBeGreaterThan(1);
  const carried = await sentBy(device.generate(request), log);
  const predicted = turns.map(({ call }) => ({
    upBytes: call?.upBytes ?? 0,
    downBytes: call?.downBytes ?? 0,
  }));
  // The first message also opens the request.
  const first = predicted.findIndex(({ upBytes }) => upBytes > 0);
  expect(first).toBeGreaterThanOrEqual(0);
  expect(predicted.filter(({ upBytes }) => upBytes > 0).length).toBeGreaterThan(10);
  expect(carried.toSpliced(first, 1)).toEqual(predicted.toSpliced(first, 1));
  await device.close();
  await both.close();
});
