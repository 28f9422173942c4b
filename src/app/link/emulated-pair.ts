/** A pair of which the large model serves a hub, and the small one is on a device behind a link. */
import { ensureModel } from '../../catalog/ensure-model.ts';
import { DEFAULT_PAIR, parsePair } from '../../catalog/known-pairs.ts';
import type { Link } from '../../channel/direction.ts';
import { MessageLog } from '../../channel/emulation/message-log.ts';
import { openRelay } from '../../channel/emulation/relay.ts';
import { webSocketConnector } from '../../device/connect-web-socket.ts';
import { type ConnectToHub, openHubModel } from '../../device/hub-model.ts';
import { LINK_POLICIES } from '../../device/link-policy.ts';
import { Engine } from '../../engine/engine.ts';
import { Hub } from '../../hub/hub.ts';
import { type HubServerOptions, startHubServer } from '../../hub/hub-server.ts';
import { type LlamaCppModel, loadModel } from '../../model/llama-cpp/model.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import { shortName, useBestThreads } from '../machine/local-profile.ts';
import type { PairOptions } from '../pair-options.ts';

export interface EmulatedOptions extends PairOptions {
  readonly link: Link;
}

export interface EmulatedPair extends AsyncDisposable {
  /** What the device's connections carry. */
  readonly log: MessageLog;
  /** The device's engine, which the caller closes before the pair. */
  device(uplink: UplinkOptions): Promise<Engine>;
}

/** Device and hub are in this process, and share nothing but a TCP connection through a relay. */
export async function openEmulatedPair(options: EmulatedOptions): Promise<EmulatedPair> {
  const { small, large } = pairNames(options);
  const opened: AsyncDisposable[] = [];
  const owned = <T extends AsyncDisposable>(one: T): T => {
    opened.unshift(one);
    return one;
  };
  const close = async (): Promise<void> => {
    for (const one of opened) await one[Symbol.asyncDispose]();
  };
  try {
    const hub = owned(new Hub({ model: owned(await load(large, options)) }));
    const server = owned(await startHubServer({ ...SERVER, hub }));
    const { hostname: host, port } = new URL(server.url);
    const target = { host, port: Number(port) };
    const relay = owned(await openRelay({ target, link: options.link }));
    const log = new MessageLog();
    const url = `ws://127.0.0.1:${relay.port}`;
    const device = (uplink: UplinkOptions) =>
      openDevice({ ...options, small }, { url, log }, uplink);
    return { log, device, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

const SERVER: Omit<HubServerOptions, 'hub'> = {
  ...{ host: '127.0.0.1', port: 0, keys: [], deviceCountMax: 8 },
  // A device meets every failure as an error of its own.
  onFailure: () => undefined,
};

interface Address {
  readonly url: string;
  readonly log: MessageLog;
}

async function openDevice(
  options: PairOptions & { readonly small: string },
  { url, log }: Address,
  uplink: UplinkOptions,
): Promise<Engine> {
  const { connectMs } = LINK_POLICIES.stop;
  const connector = webSocketConnector({ url, connectMs });
  const connect: ConnectToHub = async (signal) => {
    const { transport, facts } = await connector(signal);
    return { transport: log.watch(transport), facts };
  };
  const small = await load(options.small, options);
  try {
    const signal = options.signal ?? new AbortController().signal;
    const large = await openHubModel({ connect, vocabulary: small.vocabulary }, signal);
    return new Engine({ models: { small, large }, uplink, template: options.template });
  } catch (error) {
    await small[Symbol.asyncDispose]();
    throw error;
  }
}

export function pairNames({ pair, small, large }: PairOptions): {
  readonly small: string;
  readonly large: string;
} {
  const known = parsePair(pair ?? DEFAULT_PAIR.name);
  return { small: small ?? known.small, large: large ?? known.large };
}

async function load(name: string, options: PairOptions): Promise<LlamaCppModel> {
  const { contextLength, threadCount, signal, onProgress } = options;
  const { path } = await ensureModel(name, options);
  const model = await loadModel(path, {
    ...{ name: shortName(name), contextLength, threadCount, signal, onProgress },
  });
  await useBestThreads(model, options);
  return model;
}
