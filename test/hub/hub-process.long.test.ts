/** The program as a hub and as devices: processes that share nothing but sockets. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { REAL, ROOT, run } from '../cli/program.ts';

const [SMALL, LARGE] = ['small', 'large'].map((role) => `pocket/models/pocket-${role}.gguf`);
const KEY = 'a-key-that-nobody-guesses';
const QUESTION = 'Tom has 3 pens and buys 4 more. How many pens does he have now?';

interface RunningHub {
  readonly child: ChildProcessWithoutNullStreams;
  readonly url: string;
  readonly said: () => string;
}

let folder: string;
let hubs: RunningHub[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-hub-'));
  hubs = [];
});
afterEach(async () => {
  for (const { child } of hubs) child.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const environment = (): Record<string, string> => ({ PILOTFISH_HOME: folder });

async function start(args: readonly string[] = []): Promise<RunningHub> {
  const all = [
    '--import',
    'tsx',
    REAL,
    'hub',
    '--large',
    LARGE ?? '',
    '--offline',
    '--json',
    ...args,
  ];
  const child = spawn(process.execPath, all, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'] ?? '', ...environment() },
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const [line] = await once(child.stdout, 'data');
  said += String(line);
  const hub = { child, url: JSON.parse(String(line)).url, said: () => said };
  hubs.push(hub);
  return hub;
}

async function ask(args: readonly string[], env: Record<string, string> = {}) {
  const models = ['--small', SMALL ?? '', '--offline'];
  return await run(REAL, ['ask', ...models, ...args, QUESTION], {
    env: { ...environment(), ...env },
  });
}

describe('pilotfish hub', () => {
  it('gives devices the texts of one process, and ends in order', async () => {
    const hub = await start(['--port', '0']);
    for (const strategy of ['uhlm@0.1', 'cu-hlm@0.1', 'hlm', 'large']) {
      const drawn = ['--strategy', strategy, '--temperature', '1', '--seed', '3'];
      const far = await ask([...drawn, '--hub', hub.url]);
      const near = await ask([...drawn, '--large', LARGE ?? '']);
      expect(far.code, far.err).toBe(0);
      expect(far.out).toBe(near.out);
      expect(far.err).toMatch(/^link +\d.* up, \d.* down$/m);
    }
    hub.child.kill('SIGTERM');
    expect((await once(hub.child, 'close'))[0]).toBe(0);
    expect(hub.said()).toMatch(/\nDraining: .*\nThe hub has ended\.\n$/);
  });

  it('admits those with the key alone, and shows it nowhere', async () => {
    const keyFile = join(folder, 'key');
    await writeFile(keyFile, `${KEY}\n`);
    const hub = await start(['--port', '0', '--host', '0.0.0.0', '--key-file', keyFile]);
    const url = hub.url.replace('0.0.0.0', '127.0.0.1');
    const refused = await ask(['--hub', url, '--strategy', 'hlm'], {
      PILOTFISH_HUB_KEY: `${KEY}x`,
    });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('error[hub-refused]');
    const admitted = await ask(['--hub', url, '--strategy', 'hlm', '--hub-key-file', keyFile]);
    expect(admitted.code, admitted.err).toBe(0);
    const all = [hub.said(), refused.out, refused.err, admitted.out, admitted.err].join();
    expect(all).not.toContain(KEY);
  });

  it('is refused where others could connect without a key', async () => {
    const args = ['hub', '--large', LARGE ?? '', '--offline', '--host', '0.0.0.0'];
    const { code, err } = await run(REAL, args, { env: environment() });
    expect(code).toBe(2);
    expect(err).toContain('--key-file');
  });

  it('is waited for by eight devices while it is killed and restarted', async () => {
    const first = await start(['--port', '0']);
    const { port } = new URL(first.url);
    const drawn = (seed: number): readonly string[] => [
      ...['--strategy', 'hlm', '--temperature', '1', '--seed', String(seed), '--max-tokens', '48'],
    ];
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
    let isKilled = false;
    const kill = (): void => {
      if (isKilled) return;
      isKilled = true;
      first.child.kill('SIGKILL');
    };
    const texts = seeds.map(async (seed) => {
      const models = ['--small', SMALL ?? '', '--offline', '--hub', first.url];
      return await run(REAL, ['ask', ...models, ...drawn(seed), QUESTION], {
        env: environment(),
        onFirstOutput: kill,
      });
    });
    await once(first.child, 'exit');
    const second = await start(['--port', port]);
    // A device that was still starting finds no hub, and says so at once.
    const begun = (await Promise.all(texts))
      .map((text, at) => ({ ...text, seed: seeds[at] ?? 0 }))
      .filter(({ err }) => !err.includes('There is no connection to'));
    expect(begun.length).toBeGreaterThan(0);
    let equalCount = 0;
    for (const { code, err, out, seed } of begun) {
      expect(code, err).toBe(0);
      const alone = await ask([...drawn(seed), '--hub', second.url]);
      if (out === alone.out) equalCount += 1;
    }
    // Other devices change the shapes of the hub's batches, and with them a draw between near-ties.
    expect(equalCount).toBeGreaterThanOrEqual(begun.length - 2);
  });
});
