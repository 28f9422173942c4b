import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../test/cli/scripted-engine.ts';
import { loadDependencies } from './load-dependencies.ts';
import { OutputClosed } from './process-lifetime.ts';
import { runCli } from './run-cli.ts';

const dependencies = scriptedDependencies(() => ({ tokens: [['Hi', 'small', false]] }));

async function run(args: readonly string[], input?: string) {
  const recorded = recordedIo(input === undefined ? {} : { input });
  await runCli(args, recorded.io, dependencies);
  return { out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode() };
}

describe('runCli', () => {
  it('shows help and version on standard output', async () => {
    const help = await run(['--help']);
    expect(help.out).toContain('Exit codes:\n  0    done\n');
    expect(help).toMatchObject({ err: '', exitCode: null });
    expect(await run(['--version'])).toEqual({ out: '9.9.9\n', err: '', exitCode: null });
  });

  it('has the version of the package', () => {
    const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
    expect(loadDependencies().version).toBe(JSON.parse(text).version);
  });

  it.each(['ask', 'chat', 'compare'])(
    'lists strategies and examples in %s --help',
    async (name) => {
      const { out, exitCode } = await run([name, '--help']);
      expect(out).toContain('@entropy (default 1): the large model writes');
      expect(out).toContain(`Examples:\n  pilotfish ${name}`);
      expect(exitCode).toBe(null);
    },
  );

  it('shows the help on standard error without a command', async () => {
    const { out, err, exitCode } = await run([]);
    expect(err).toContain('Usage: pilotfish');
    expect([out, exitCode]).toEqual(['', 2]);
  });

  it.each([
    [['nope'], "Unknown command 'nope'."],
    [['ask', '--nope', 'hi'], "Unknown option '--nope'."],
    [['ask', 'a', 'b'], "Too many arguments for 'ask'. Expected 1 argument but got 2."],
    [['ask', '--stop'], "Option '--stop <TEXT>' argument missing."],
    [['ask', '--temprature', '1'], "Unknown option '--temprature' (Did you mean --temperature?)"],
    [['ask', '--verifier', 'x', 'hi'], 'Allowed choices are coupling, rejection.'],
    [['ask', '--top-k', '12abc', 'hi'], '--top-k is "12abc", not an integer from 0 up.'],
    [['ask', '--temperature', '', 'hi'], '--temperature is "", not a number from 0 to 100.'],
    [['ask', '--draft-length', '0', 'hi'], '--draft-length is "0", not auto or an integer'],
    [['ask', '--threads', '1025', 'hi'], '--threads is "1025", not an integer from 1 to 1024.'],
    [['ask', '--stop', '', 'hi'], '--stop is "", which every answer contains.'],
    [['ask', '--raw', '--system', 'x', 'hi'], '--raw and --system exclude each other.'],
    [['compare', '--strategies', 'small,,large', 'hi'], 'which has an empty name.'],
    [['compare', '--strategies', 'small,small', 'hi'], 'which has a name twice.'],
  ])('calls %j an invalid option', async (args, message) => {
    const plain = await run(args);
    expect(plain.err).toContain('error[option-invalid]: ');
    expect(plain.err).toContain(message);
    expect(plain.err).toContain('\nhelp: ');
    expect([plain.out, plain.exitCode]).toEqual(['', 2]);
    const json = await run([...args.slice(0, 1), '--json', ...args.slice(1)]);
    const lines = json.out.trimEnd().split('\n');
    if (args[0] === 'nope') return;
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ type: 'error', code: 'option-invalid' });
  });

  it('finds the errors of a request before it loads a model', async () => {
    const before = dependencies.opened.length;
    expect((await run(['ask', '--strategy', 'nope', 'hi'])).err).toContain('strategy-unknown');
    expect((await run(['ask', '--strategy', 'random@2', 'hi'])).err).toContain('threshold-invalid');
    expect((await run(['ask'], ' \n')).err).toContain('prompt-empty');
    expect((await run(['chat', '--strategy', 'nope'])).exitCode).toBe(2);
    expect((await run(['compare', '--strategies', 'small,nope', 'hi'])).exitCode).toBe(2);
    expect(dependencies.opened).toHaveLength(before);
  });

  it('treats --json after -- as text', async () => {
    const { out, exitCode } = await run(['ask', '--strategy', 'small', '--', '--json']);
    expect([out, exitCode]).toEqual(['Hi', null]);
  });

  it('is silent when the reader of its output has left', async () => {
    const { io, abort, err, exitCode } = recordedIo();
    abort(new OutputClosed());
    await runCli(['ask', 'hi'], io, dependencies);
    expect([err(), exitCode()]).toEqual(['', null]);
  });
});
