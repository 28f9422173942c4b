/** The bytes of messages with their WebSocket headers are all that travels on a connection. */
import { expect, it } from 'vitest';
import { steadyLink } from '../../src/channel/direction.ts';
import { carriedSince, MessageLog } from '../../src/channel/emulation/message-log.ts';
import { openRelay } from '../../src/channel/emulation/relay.ts';
import { webSocketConnector } from '../../src/device/connect-web-socket.ts';
import { HubModel } from '../../src/device/hub-model.ts';
import { Engine } from '../../src/engine/engine.ts';
import { Hub } from '../../src/hub/hub.ts';
import { startHubServer } from '../../src/hub/hub-server.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';

const LINK = steadyLink({ roundTripMs: 0, upRate: 1e10, downRate: 1e10 });

function scripted(name: string, tokenCount: number, salt: number): ScriptedModel {
  const tokens = Array.from({ length: tokenCount }, (_, id) => (id === 0 ? '' : `t${id} `));
  return new ScriptedModel({
    ...{ name, tokens, endOfGeneration: [0], cellCount: 256 },
    next: (prefix) => {
      const weights = tokens.map((_, id) => (id === 0 ? 0 : 1 + ((prefix.length + id * salt) % 7)));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return weights.map((weight) => weight / sum);
    },
  });
}

/** Headers have 2 bytes up to 125 of payload, 4 up to 65,535, and 10 beyond. */
it.each([
  [8, 'hlm', 20],
  [300, 'hlm', 20],
  [20_000, 'hlm', 3],
  [300, 'random-uhlm@0.3', 40],
])('with %d tokens under %s', async (tokenCount, strategy, maxTokens) => {
  const hub = new Hub({ model: scripted('large', tokenCount, 13), digest: '0'.repeat(64) });
  const server = await startHubServer({
    ...{ hub, host: '127.0.0.1', port: 0, keys: [], deviceCountMax: 2 },
    onFailure: (error) => expect.fail(String(error)),
  });
  const { hostname: host, port } = new URL(server.url);
  const relay = await openRelay({ target: { host, port: Number(port) }, link: LINK });
  const connect = webSocketConnector({ url: `ws://127.0.0.1:${relay.port}`, connectMs: 5000 });
  const log = new MessageLog();
  const { transport, facts } = await connect(new AbortController().signal);
  const small = scripted('small', tokenCount, 5);
  const options = { connect, vocabulary: small.vocabulary };
  const large = new HubModel(options, facts, log.watch(transport));
  const device = new Engine({ models: { small, large } });
  const [passed, carried] = [relay.passedBytes(), log.total];
  const request = { promptTokenIds: [1, 2], strategy, seed: 3, maxTokens };
  let count = 0;
  for await (const event of device.generate({ ...request, sampling: { temperature: 1 } })) {
    if (event.type === 'token') count += 1;
  }
  const { upBytes, downBytes, sentCount } = carriedSince(log.total, carried);
  await expect
    .poll(() => {
      const now = relay.passedBytes();
      return { up: now.up - passed.up, down: now.down - passed.down };
    })
    .toEqual({ up: upBytes, down: downBytes });
  expect([count, sentCount > 5 || maxTokens < 5]).toEqual([maxTokens, true]);
  await device.close();
  await relay[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});
