import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import type { RunHubOptions, RunningHub } from '../../app/run-hub.ts';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import { runCli } from '../run-cli.ts';

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number | null;
  readonly options: RunHubOptions;
  readonly disposedCount: number;
}

/** Runs the command until it serves, then interrupts it. */
async function hub(
  args: readonly string[],
  running: Partial<RunningHub> = {},
  end?: unknown,
): Promise<Ran> {
  let seen: RunHubOptions | null = null;
  let disposedCount = 0;
  const interrupted = new PilotfishError('aborted', 'Interrupted.');
  const recorded = recordedIo({
    onOut: () => setImmediate(() => recorded.abort(end ?? interrupted)),
  });
  const dependencies = {
    ...scriptedDependencies(() => ({ tokens: [] })),
    runHub: async (options: RunHubOptions): Promise<RunningHub> => {
      seen = options;
      return {
        ...{ url: 'ws://127.0.0.1:7433', model: 'big', isSecret: false, ...running },
        [Symbol.asyncDispose]: async () => {
          disposedCount += 1;
        },
      };
    },
  };
  await runCli(['hub', ...args], recorded.io, dependencies);
  return {
    ...{ out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() },
    ...{ options: required<RunHubOptions>(seen, 'the hub ran'), disposedCount },
  };
}

describe('hub', () => {
  it('says where it is, serves until it is interrupted, and closes in order', async () => {
    const { out, err, exitCode, options, disposedCount } = await hub(['--large', 'big']);
    expect(out).toBe('big at ws://127.0.0.1:7433, for this machine, without a key\n');
    expect(options).toMatchObject({ large: 'big' });
    expect(err).toBe(
      'Draining: open requests may end. A second signal ends the hub at once.\nThe hub has ended.\n',
    );
    expect([exitCode, disposedCount]).toEqual([0, 1]);
  });

  it('fails with what else ends it', async () => {
    const full = new PilotfishError('disk-full', 'Could not write standard output.');
    const { err, exitCode, disposedCount } = await hub(['--large', 'big'], {}, full);
    expect(err).toBe('error[disk-full]: Could not write standard output.\n');
    expect([exitCode, disposedCount]).toEqual([1, 1]);
  });

  it('takes its options', async () => {
    const { options, out } = await hub(
      [
        ...['--large', 'big', '--host', '0.0.0.0', '--port', '0', '--key-file', 'key'],
        ...['--tls-cert', 'c.pem', '--tls-key', 'k.pem', '--max-devices', '5', '--drain', '7'],
        ...['--max-requests', '9', '--cells', '8192', '--context', '2048', '--threads', '2'],
        ...['--offline', '--json'],
      ],
      { isSecret: true },
    );
    expect(options).toMatchObject({
      ...{ host: '0.0.0.0', port: 0, keyFile: 'key', tlsCert: 'c.pem', tlsKey: 'k.pem' },
      ...{ deviceCountMax: 5, drainMs: 7000, requestsPerKeyMax: 9, cellCount: 8192 },
      ...{ contextLength: 2048, threadCount: 2, offline: true },
    });
    expect(JSON.parse(out.split('\n')[0] ?? '')).toEqual({
      ...{ type: 'hub', url: 'ws://127.0.0.1:7433', model: 'big', isSecret: true },
    });
  });

  it.each([
    [[], '--large'],
    [['--large', 'big', '--port', '70000'], '--port is "70000"'],
    [['--large', 'big', '--drain', 'soon'], '--drain is "soon"'],
    [['--large', 'big', '--max-devices', '0'], '--max-devices is "0"'],
  ])('refuses %j', async (args, said) => {
    const recorded = recordedIo();
    const dependencies = scriptedDependencies(() => ({ tokens: [] }));
    await runCli(['hub', ...args], recorded.io, dependencies);
    expect(recorded.err()).toContain(said);
    expect(recorded.exitCode()).toBe(2);
  });
});

describe('a command with --hub', () => {
  async function ask(args: readonly string[]) {
    const dependencies = scriptedDependencies(() => ({ tokens: [] }));
    const recorded = recordedIo();
    await runCli(['ask', ...args, 'hi'], recorded.io, dependencies);
    return { opened: dependencies.opened, err: recorded.err(), exitCode: recorded.exitCode() };
  }

  it('opens an engine with that hub', async () => {
    const { opened } = await ask([
      ...['--hub', 'wss://a:1', '--hub-key-file', 'key', '--hub-ca', 'c.pem'],
      ...['--hub-offline', 'small', '--strategy', 'uhlm'],
    ]);
    expect(opened[0]?.hub).toEqual({
      ...{ url: 'wss://a:1', keyFile: 'key', caFile: 'c.pem', offline: 'small' },
    });
    expect((await ask([])).opened[0]?.hub).toBeUndefined();
  });

  it('refuses options of a hub without one', async () => {
    const { err, exitCode } = await ask(['--hub-offline', 'small']);
    expect(err).toContain('--hub');
    expect(exitCode).toBe(2);
  });

  it('ends with the reason and what was written, where the hub stays away', async () => {
    const failure = new PilotfishError('hub-unreachable', 'The connection to the hub broke.');
    const tokens = [['All so far', 'small', false]] as const;
    const dependencies = scriptedDependencies(() => ({ tokens, failure }));
    const recorded = recordedIo();
    await runCli(['ask', '--hub', 'ws://a', 'hi'], recorded.io, dependencies);
    expect(recorded.out()).toBe('All so far');
    expect(recorded.err()).toContain('error[hub-unreachable]');
    expect(recorded.exitCode()).toBe(1);
  });
});
