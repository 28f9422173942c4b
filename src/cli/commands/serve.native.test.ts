import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import { type RunningServer, type RunServerOptions, runServer } from '../../app/run-server.ts';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import { runCli } from '../run-cli.ts';

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number | null;
  readonly options: RunServerOptions;
}

const RUNNING = {
  ...{ url: 'http://127.0.0.1:7430', strategies: ['small', 'margin'], strategyDefault: 'margin' },
  hasKeys: false,
};

const POCKET = ['--pair', 'pocket', '--port', '0', '--strategies', 'citer,rsd'];

/** Runs the command until it serves, then interrupts it. */
async function serve(
  args: readonly string[],
  running: Partial<RunningServer> = {},
  act: (url: string) => Promise<void> = async () => undefined,
): Promise<Ran> {
  let seen: RunServerOptions | null = null;
  const interrupted = new PilotfishError('aborted', 'Interrupted.');
  const recorded = recordedIo({
    onOut: (text) => {
      const url = /http:\/\/[\d.]+:\d+/.exec(text)?.[0] ?? '';
      act(url).then(
        () => recorded.abort(interrupted),
        (error) => recorded.abort(error),
      );
    },
  });
  const dependencies = {
    ...scriptedDependencies(() => ({ tokens: [] })),
    runServer: async (options: RunServerOptions): Promise<RunningServer> => {
      seen = options;
      if (options.pair === 'pocket') return await runServer(options);
      return { ...RUNNING, ...running, [Symbol.asyncDispose]: async () => undefined };
    },
  };
  await runCli(['serve', ...args], recorded.io, dependencies);
  return {
    ...{ out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() },
    options: required<RunServerOptions>(seen, 'the server ran'),
  };
}

describe('serve', () => {
  it('says where it is and how to call it, and ends in order', async () => {
    const { out, err, exitCode } = await serve([]);
    expect(out).toContain('Serving at http://127.0.0.1:7430/v1, for this machine, without a key.');
    expect(out).toContain('"model":"margin"');
    expect(err).toContain('Draining: open requests may end.');
    expect(exitCode).toBe(0);
  });

  it('takes its options', async () => {
    const { options, out } = await serve(
      [
        ...['--host', '0.0.0.0', '--port', '0', '--key-file', 'key', '--drain', '7', '--json'],
        ...['--allowed-host', 'box.lan', '--strategies', 'small,margin@0.3', '--threads', '2'],
      ],
      { hasKeys: true },
    );
    expect(options).toMatchObject({
      ...{ host: '0.0.0.0', port: 0, keyFile: 'key', drainMs: 7000, threadCount: 2 },
      allowedHosts: ['box.lan'],
    });
    expect(options.strategies).toMatchObject([{ text: 'small' }, { text: 'margin@0.3' }]);
    expect(JSON.parse(out)).toMatchObject({ type: 'server', hasKeys: true });
  });

  it('answers with the pocket pair', async () => {
    const { out, exitCode } = await serve([...POCKET], {}, async (url) => {
      const content =
        'Ana has 12 apples. Ben gives Ana 5 apples. How many apples does Ana have now?';
      const body = { model: 'citer', messages: [{ role: 'user', content }], temperature: 0 };
      const headers = { 'content-type': 'application/json' };
      const asked = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await fetch(`${url}/v1/chat/completions`, asked);
      const { choices } = (await answer.json()) as { choices: { message: { content: string } }[] };
      expect(choices[0]?.message.content).toContain('The answer is 17.');
    });
    expect(out).toContain('citer');
    expect(out).toContain('rsd');
    expect(exitCode).toBe(0);
  });
});
