/** A hub that is killed and restarted under eight devices, which all write what they would have. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import { webSocketConnector } from '../../src/device/connect-web-socket.ts';
import { HubModel } from '../../src/device/hub-model.ts';
import { Engine } from '../../src/engine/engine.ts';
import { eventsOf, idsOf, inOneProcess, QUICK, small } from './hub-world.ts';

const MAIN = fileURLToPath(new URL('scripted-hub.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DEVICE_COUNT = 8;

async function start(port = 0): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, String(port)], {
    ...{ cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  });
  const [line] = await once(child.stdout ?? child, 'data');
  return { child, port: Number(String(line)) };
}

/** A device with a small model and a connection of its own. */
async function device(url: string): Promise<Engine> {
  const connect = webSocketConnector({ url, connectMs: 10_000 });
  const { transport, facts } = await connect(new AbortController().signal);
  const model = small();
  const policy = { ...QUICK, pauseMaxMs: 100 };
  const options = { connect, vocabulary: model.vocabulary, policy };
  return new Engine({ models: { small: model, large: new HubModel(options, facts, transport) } });
}

describe('a hub that is killed and restarted', () => {
  it('changes no token of eight devices', async () => {
    let hub = await start();
    const url = `ws://127.0.0.1:${hub.port}`;
    const devices = await Promise.all(Array.from({ length: DEVICE_COUNT }, () => device(url)));
    const restart = async (): Promise<void> => {
      hub.child.kill('SIGKILL');
      await once(hub.child, 'exit');
      hub = await start(hub.port);
    };
    // All devices wait in the middle of their answers until the hub is being restarted.
    let arrivedCount = 0;
    let restarting: Promise<void> | null = null;
    let arrive = (): void => undefined;
    const allArrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const meet = async (index: number): Promise<void> => {
      if (index !== 8) return;
      arrivedCount += 1;
      if (arrivedCount === DEVICE_COUNT) arrive();
      await allArrived;
      restarting ??= restart();
    };
    const requests = devices.map((_, seed) => ({
      ...{ strategy: seed % 2 === 0 ? 'hlm' : 'uhlm@0.3', seed: seed + 2 },
      sampling: { temperature: 1 },
    }));
    const texts = await Promise.all(
      devices.map(async (engine, at) => {
        const events = await eventsOf(engine, requests[at] ?? {}, meet);
        return idsOf(events);
      }),
    );
    await required(restarting, 'the hub was killed');
    for (const [at, text] of texts.entries()) {
      expect(text).toEqual(idsOf(await inOneProcess(requests[at] ?? {})));
    }
    for (const engine of devices) await engine.close();
    hub.child.kill('SIGKILL');
  });
});
