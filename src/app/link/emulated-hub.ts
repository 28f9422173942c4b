/** A hub on this machine, behind an emulated link. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type Link, type LinkRates, steadyLink } from '../../channel/direction.ts';
import {
  type NetworkNamespace,
  openNetworkNamespace,
} from '../../channel/emulation/network-namespace.ts';
import { openRelay } from '../../channel/emulation/relay.ts';
import { PilotfishError, throwIfAborted } from '../../core/errors.ts';
import { parseJson } from '../../core/parse-json.ts';
import type { PairOptions } from '../pair-options.ts';
import { runHub } from '../run-hub.ts';

/**
 * - `relay`: a relay in this program shapes the bytes of a connection within this machine.
 * - `namespace`: the hub is a process in a network namespace, so that packets are counted; `netem`
 *   shapes them where the kernel has it, otherwise the relay does.
 * - `auto`: the namespace if this machine allows one, otherwise the relay.
 */
export type EmulationWay = 'auto' | 'namespace' | 'relay';

export interface EmulatedHubOptions extends PairOptions, LinkRates {
  readonly large: string;
  readonly way: EmulationWay;
  /** In place of the rates. */
  readonly link?: Link | undefined;
  /** The command line that runs this program; without one there is no namespace. */
  readonly program?: readonly string[] | undefined;
}

export interface EmulatedHub extends AsyncDisposable {
  readonly url: string;
  /** The key that it asks for, if it does. */
  readonly key: string | null;
  /** What passed the interface; null: no namespace. */
  readonly counts: NetworkNamespace['counts'] | null;
  /** What shapes the link, and why nothing better does, in words. */
  readonly note: string;
}

/** @throws PilotfishError `option-invalid` if there is no namespace and one was asked for; as `runHub` */
export async function openEmulatedHub(options: EmulatedHubOptions): Promise<EmulatedHub> {
  const { way, program, link = steadyLink(options) } = options;
  if (way === 'relay' || program === undefined) return await behindRelay(options, link, '');
  const namespace = await openNetworkNamespace(options.link === undefined ? options : null);
  if (typeof namespace !== 'string') {
    return await inNamespace(options, program, { namespace, link });
  }
  if (way === 'auto') return await behindRelay(options, link, `, because ${namespace}`);
  throw new PilotfishError('option-invalid', `There is no network namespace: ${namespace}.`, {
    remedy: 'Run as root on Linux with iproute2, or use --over relay.',
    fields: { option: '--over', value: way },
  });
}

async function behindRelay(
  options: EmulatedHubOptions,
  link: Link,
  why: string,
): Promise<EmulatedHub> {
  const hub = await runHub({ ...options, host: '127.0.0.1', port: 0, env: withoutKey(options) });
  try {
    const relay = await openRelay({ target: addressOf(hub.url), link });
    return {
      ...{ url: `ws://127.0.0.1:${relay.port}`, key: null, counts: null },
      note: `a relay within one process shapes the link${why}`,
      [Symbol.asyncDispose]: async () => {
        await relay[Symbol.asyncDispose]();
        await hub[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await hub[Symbol.asyncDispose]();
    throw error;
  }
}

interface Place {
  readonly namespace: NetworkNamespace;
  readonly link: Link;
}

async function inNamespace(
  options: EmulatedHubOptions,
  program: readonly string[],
  { namespace, link }: Place,
): Promise<EmulatedHub> {
  const key = randomBytes(16).toString('hex');
  const opened: AsyncDisposable[] = [namespace];
  const close = async (): Promise<void> => {
    for (const one of opened) await one[Symbol.asyncDispose]();
  };
  try {
    const hub = await hubProcess(options, namespace.inside(program), { host: namespace.host, key });
    opened.unshift(hub);
    const { counts, netemRefusal } = namespace;
    const common = { key, counts, [Symbol.asyncDispose]: close };
    if (netemRefusal === null) {
      return { ...common, url: hub.url, note: 'netem shapes the link of a network namespace' };
    }
    const relay = await openRelay({ target: addressOf(hub.url), link });
    opened.unshift(relay);
    return {
      ...{ ...common, url: `ws://127.0.0.1:${relay.port}` },
      note: `a relay shapes the link to a network namespace, because ${netemRefusal}`,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const READY = z.object({ type: z.literal('hub'), url: z.string() });

async function hubProcess(
  { large, threadCount, contextLength, offline, env = process.env, signal }: EmulatedHubOptions,
  [command, ...program]: readonly [string, ...string[]],
  { host, key }: { readonly host: string; readonly key: string },
): Promise<{ readonly url: string } & AsyncDisposable> {
  const number = (flag: string, value: number | undefined): readonly string[] =>
    value === undefined ? [] : [flag, String(value)];
  const args = [
    ...['hub', '--large', large, '--host', host, '--port', '0', '--json'],
    ...number('--threads', threadCount),
    ...number('--context', contextLength),
    ...(offline === true ? ['--offline'] : []),
  ];
  const child = spawn(command, [...program, ...args], {
    env: { ...env, PILOTFISH_HUB_KEY: key },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    return { url: await readyUrl(child), [Symbol.asyncDispose]: () => ended(child) };
  } catch (error) {
    await ended(child);
    throwIfAborted(signal);
    throw error;
  }
}

/** @throws PilotfishError `hub-unreachable` if the process ends first, with the end of what it says */
async function readyUrl(child: ChildProcess): Promise<string> {
  let said = '';
  child.stderr?.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-MESSAGE_LENGTH_MAX);
  });
  child.once('error', (error) => {
    said = error.message;
    child.stdout?.destroy();
  });
  if (child.stdout !== null) {
    for await (const line of createInterface({ input: child.stdout })) {
      const ready = READY.safeParse(parseJson(line));
      if (ready.success) return ready.data.url;
    }
  }
  throw new PilotfishError('hub-unreachable', `The hub did not start: ${said.trim()}`);
}

const MESSAGE_LENGTH_MAX = 500;

/** A hub drains for nobody after one signal, as its devices have left. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

function addressOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname: host, port } = new URL(url);
  return { host, port: Number(port) };
}

/** The hub within this process is for this process alone. */
function withoutKey({ env = process.env }: EmulatedHubOptions): EmulatedHubOptions['env'] {
  return { ...env, PILOTFISH_HUB_KEY: '' };
}
