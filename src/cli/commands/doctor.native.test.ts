import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import { HEALTHY_MACHINE, scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import type { MachineFacts } from '../../app/inspect-machine.ts';
import { LOCAL_CAPABILITIES } from '../../session/capabilities.ts';
import { runCli } from '../run-cli.ts';

async function doctor(facts: Partial<MachineFacts>, args: readonly string[] = []) {
  const recorded = recordedIo({ env: { LANG: 'C.UTF-8' } });
  await runCli(['doctor', ...args], recorded.io, {
    ...scriptedDependencies(() => ({ tokens: [] })),
    inspectMachine: async () => ({ ...HEALTHY_MACHINE, ...facts }),
  });
  return { out: recorded.out(), exitCode: recorded.exitCode() };
}

async function statuses(facts: Partial<MachineFacts>): Promise<Record<string, string>> {
  const { out } = await doctor(facts, ['--json']);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const pairs = lines.map((line) => [line.name ?? line.type, line.status] as const);
  return Object.fromEntries(pairs.filter(([, status]) => status !== 'ok'));
}

const MISSING: Partial<MachineFacts> = {
  models: [{ name: 'tiny', bytes: 1e9, path: null, problem: null }],
};
const BROKEN: MachineFacts['library'] = {
  path: null,
  version: null,
  knownBuild: false,
  cpuVariant: null,
  problem: {
    code: 'library-missing',
    message: 'No llama.cpp library.',
    remedy: 'Run npm install.',
  },
};

describe('doctor', () => {
  it('passes a healthy machine', async () => {
    const { out, exitCode } = await doctor({});
    expect(out).toContain(
      'ok    library    llama.cpp b1234, computing with haswell, /lib/libllama',
    );
    expect(out.match(/^ok /gm)).toHaveLength(12);
    expect(exitCode).toBe(null);
  });

  it('shows what named servers can do, and warns of those that are away', async () => {
    const capabilities = { ...LOCAL_CAPABILITIES, input: 'text' as const };
    const server = {
      ...{ engine: 'vllm', host: 'gpu:8000', model: 'big', version: '0.32.0' },
      ...{ contextLength: null, capabilities, strategies: [] },
    };
    const problem = { text: 'The server at gpu:1 does not answer.', remedy: 'Check that it runs.' };
    const servers = [
      { name: 'one', server, problem: null },
      { name: 'two', server: null, problem },
    ];
    const { out, exitCode } = await doctor({ servers });
    expect(out).toContain('ok    server     one: vllm 0.32.0 with big, takes conversations\n');
    expect(out).toContain('warn  server     two: The server at gpu:1 does not answer.\n');
    expect(exitCode).toBe(null);
  });

  it('shows the numbers of threads that were measured', async () => {
    const measured = [{ threadCount: 1, ms: 9 }];
    const threads = ['tiny', 'huge'].map((model, index) => ({
      ...{ model, weightBytes: 1, threadCount: index + 1, measured },
    }));
    const { out } = await doctor({ threads });
    expect(out).toContain('processor  2 cores; fastest number of threads: tiny 1, huge 2\n');
    expect((await doctor({})).out).toContain('processor  2 cores\n');
  });

  it('fails a machine that cannot run Pilotfish, and gives a remedy', async () => {
    const { out, exitCode } = await doctor({ library: BROKEN });
    expect(out).toContain(
      'fail  library    No llama.cpp library.\n                 Run npm install.\n',
    );
    expect(exitCode).toBe(1);
  });

  it('does not fail for a warning', async () => {
    const { out, exitCode } = await doctor(MISSING);
    expect(out).toContain('warn  model      tiny is not here (1 GB)\n');
    expect(out).toContain('Run "pilotfish models pull tiny"; the first use does the same.\n');
    expect(exitCode).toBe(null);
  });

  it.each<[Partial<MachineFacts>, Record<string, string>]>([
    [{}, {}],
    [{ nodeVersion: '20.18.3' }, { Node: 'fail', doctor: 'fail' }],
    [{ nodeVersion: '22.0.0' }, {}],
    [{ platform: 'darwin-arm64' }, { platform: 'warn', doctor: 'warn' }],
    [
      { library: { ...HEALTHY_MACHINE.library, knownBuild: false } },
      { library: 'warn', doctor: 'warn' },
    ],
    [{ availableMemoryBytes: 1e9 }, { memory: 'warn', doctor: 'warn' }],
    [{ homeProblem: 'EROFS' }, { home: 'fail', doctor: 'fail' }],
    [{ freeDiskBytes: 10 }, {}],
    [
      { ...MISSING, freeDiskBytes: 10 },
      { disk: 'fail', model: 'warn', doctor: 'fail' },
    ],
    [{ freeDiskBytes: null }, { disk: 'warn', doctor: 'warn' }],
    [{ pip: null }, {}],
    [
      { ...MISSING, pip: null },
      { model: 'warn', pip: 'warn', doctor: 'warn' },
    ],
    [{ hubEndpoint: 'ftp://x' }, { hub: 'fail', doctor: 'fail' }],
  ])('judges %j as %j', async (facts, expected) => {
    expect(await statuses(facts)).toEqual(expected);
  });

  it('shows no secret', async () => {
    const { out } = await doctor({
      hubEndpoint: 'https://me:secret@hub.example/',
      hasHubToken: true,
    });
    expect(out).toContain('ok    hub        https://hub.example, token set\n');
    expect(out).not.toContain('secret');
  });
});
