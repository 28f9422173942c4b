/**
 * A network namespace of Linux with one pair of virtual interfaces: its processes reach this program
 * over real sockets and packets. Where the kernel has `netem`, both interfaces also have the delay and
 * rate of a link. Needs root, and the programs `ip` and `tc` (the package iproute2).
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { LinkRates } from '../direction.ts';

/** What passed the interface on this program's side. */
export interface InterfaceCounts {
  readonly bytes: number;
  readonly packets: number;
}

export interface NetworkNamespace extends AsyncDisposable {
  /** The address of its processes, which listen there. */
  readonly host: string;
  /** Why `netem` shapes nothing; null: it does. */
  readonly netemRefusal: string | null;
  /** The command line that runs a program in it. */
  inside(command: readonly string[]): readonly [string, ...string[]];
  /** Since it was opened. Up is the direction into the namespace. */
  counts(): Promise<{ readonly up: InterfaceCounts; readonly down: InterfaceCounts }>;
}

/**
 * @param link null: `netem` is left out
 * @returns the reason in words if this machine does not allow one
 */
export async function openNetworkNamespace(
  link: LinkRates | null,
): Promise<NetworkNamespace | string> {
  if (process.platform !== 'linux') return `${process.platform} has no network namespaces`;
  if (process.getuid?.() !== 0) return 'only root may create network namespaces';
  const id = `pf-${randomBytes(4).toString('hex')}`;
  const created = await tool('ip', ['netns', 'add', id]);
  if (created !== null) return created;
  const near = `${id}-d`;
  const remove = async (): Promise<void> => {
    // Its interface goes with the namespace, and the other end with that.
    await tool('ip', ['netns', 'del', id]);
    await tool('ip', ['link', 'del', near]);
  };
  try {
    const { host, failure } = await connected(id, near, `${id}-h`);
    if (failure !== null) {
      await remove();
      return failure;
    }
    return {
      ...{ host, netemRefusal: await shaped(id, near, `${id}-h`, link) },
      inside: (command) => ['ip', 'netns', 'exec', id, ...command],
      counts: async () => ({ up: await counts(near, 'tx'), down: await counts(near, 'rx') }),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

interface Connected {
  readonly host: string;
  readonly failure: string | null;
}

/** 198.18.0.0/15 is for benchmarks (RFC 2544); each namespace takes four of its addresses. */
async function connected(id: string, near: string, far: string): Promise<Connected> {
  const [third = 0, last = 0] = randomBytes(2);
  const address = (offset: number): string => `198.18.${third}.${(last & 252) + offset}`;
  const [here, host] = [address(1), address(2)];
  // One segment a packet: a large one that the kernel splits late would be counted as one. Without
  // link-local addresses, IPv6 sends nothing of its own.
  const settings = ['addrgenmode', 'none', 'gso_max_segs', '1', 'up'];
  const steps: readonly (readonly string[])[] = [
    ['link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', id],
    ['addr', 'add', `${here}/30`, 'dev', near],
    ['-n', id, 'addr', 'add', `${host}/30`, 'dev', far],
    ['link', 'set', 'dev', near, ...settings],
    ['-n', id, 'link', 'set', 'dev', far, ...settings],
    ['-n', id, 'link', 'set', 'dev', 'lo', 'up'],
  ];
  for (const step of steps) {
    const failure = await tool('ip', step);
    if (failure !== null) return { host, failure };
  }
  return { host, failure: null };
}

/** @returns why not; null if both directions are shaped */
async function shaped(
  id: string,
  near: string,
  far: string,
  link: LinkRates | null,
): Promise<string | null> {
  if (link === null) return 'netem knows no radio channel';
  const { roundTripMs, upRate, downRate } = link;
  const netem = (rate: number): readonly string[] => [
    ...['root', 'netem', 'delay', `${roundTripMs / 2}ms`, 'rate', `${Math.round(rate)}bit`],
    ...['limit', '1000'],
  ];
  return (
    (await tool('tc', ['qdisc', 'add', 'dev', near, ...netem(upRate)])) ??
    (await tool('tc', ['-n', id, 'qdisc', 'add', 'dev', far, ...netem(downRate)]))
  );
}

async function counts(device: string, direction: 'rx' | 'tx'): Promise<InterfaceCounts> {
  const read = async (what: string): Promise<number> =>
    Number(await readFile(`/sys/class/net/${device}/statistics/${direction}_${what}`, 'utf8'));
  return { bytes: await read('bytes'), packets: await read('packets') };
}

const run = promisify(execFile);

/** @returns null, or why the command failed, in words */
async function tool(program: string, args: readonly string[]): Promise<string | null> {
  try {
    await run(program, [...args]);
    return null;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (isMissing) return `the program ${program} is missing (iproute2)`;
    const [line = ''] = String((error as { readonly stderr?: string }).stderr ?? error).split('\n');
    return `"${program} ${args.join(' ')}" failed: ${line.trim().replace(/\.$/, '')}`;
  }
}
