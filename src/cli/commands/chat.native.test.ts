import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../test/cli/recorded-io.ts';
import { type Script, scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import { PilotfishError } from '../../core/errors.ts';
import { InvariantError } from '../../core/invariant.ts';
import type { GenerateRequest } from '../../engine/request.ts';
import { runCli } from '../run-cli.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

function answerTo(request: GenerateRequest): Script {
  return { tokens: [[`re: ${request.messages?.at(-1)?.content}`, 'small', false]] };
}

async function chat(
  lines: string,
  args: readonly string[] = [],
  options: RecordedIoOptions = {},
  choose: Parameters<typeof scriptedDependencies>[0] = answerTo,
) {
  const dependencies = scriptedDependencies(choose);
  const recorded = recordedIo({ input: lines, ...options });
  await runCli(['chat', ...args], recorded.io, dependencies);
  return {
    dependencies,
    out: recorded.out(),
    err: recorded.err(),
    exitCode: recorded.exitCode(),
  };
}

/** A terminal whose keyboard reacts to the shown text. */
async function typing(
  reactions: readonly (readonly [shown: string, keys: string])[],
  choose: Parameters<typeof scriptedDependencies>[0] = answerTo,
) {
  const input = new PassThrough();
  const waiting = [...reactions];
  let seen = '';
  const onOut = (text: string): void => {
    seen += text;
    const next = waiting[0];
    if (next === undefined || !seen.includes(next[0])) return;
    waiting.shift();
    seen = '';
    setImmediate(() => input.write(next[1]));
  };
  const result = await chat('', [], { terminal: true, input, onOut }, choose);
  return { ...result, unused: waiting.length };
}

describe('chat from a pipe', () => {
  it('asks for drafts in every turn where grey can be shown, and keeps only answers', async () => {
    const choose = (request: GenerateRequest): Script => ({ ...answerTo(request), drafts: ['no'] });
    const shown = { outIsTerminal: true, colorLevel: 1 } as const;
    const { out, dependencies } = await chat('one\ntwo\n', ['--provisional'], shown, choose);
    expect(dependencies.requests.map(({ drafts }) => drafts)).toEqual([true, true]);
    expect(out.split('\u001b[90mno\u001b[39m')).toHaveLength(3);
    expect(dependencies.requests[1]?.messages?.[1]?.content).toBe('re: one');
    const piped = await chat('one\n', ['--provisional'], {}, choose);
    expect([piped.out, piped.dependencies.requests[0]?.drafts]).toEqual(['re: one\n', undefined]);
  });

  it('answers line after line and remembers the conversation', async () => {
    const { out, dependencies, exitCode } = await chat('one\n\ntwo\n', ['--system', 'Be brief.']);
    expect(out).toBe('re: one\nre: two\n');
    expect(dependencies.requests.map((request) => request.messages)).toEqual([
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'one' },
      ],
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 're: one' },
        { role: 'user', content: 'two' },
      ],
    ]);
    expect([exitCode, dependencies.opened.length, dependencies.disposedCount()]).toEqual([
      null,
      1,
      1,
    ]);
  });

  it('obeys its commands', async () => {
    const { dependencies, out, err } = await chat(
      'a\n/seed 5\n/strategy small\nb\n/reset\n//c\n/quit\nnever\n',
      ['--strategy', 'entropy@2'],
    );
    expect(out).toBe('re: a\nre: b\nre: /c\n');
    expect(err).toContain('The next answers are drawn with seed 5.\n');
    expect(dependencies.requests.map(({ strategy, seed }) => [strategy, seed])).toEqual([
      ['entropy@2', undefined],
      ['small', 5],
      ['small', 5],
    ]);
    expect(dependencies.requests.map(({ messages }) => messages?.length)).toEqual([1, 3, 1]);
    expect(dependencies.opened).toHaveLength(1);
  });

  it('loads more only when a strategy needs more', async () => {
    const lines = 'a\n/strategy random\nb\n/strategy large\nc\n';
    const { dependencies } = await chat(lines, ['--strategy', 'small']);
    expect(dependencies.opened.map(({ strategies }) => strategies)).toEqual([
      ['small'],
      ['small', 'random'],
    ]);
    expect(dependencies.disposedCount()).toBe(2);
    const lookup = ['--strategy', 'speculative', '--proposer', 'prompt-lookup'];
    const speculative = await chat('a\n/strategy small\nb\n', lookup);
    expect(speculative.dependencies.opened).toHaveLength(2);
  });

  it('goes on after an error, and exits with the code of the first', async () => {
    const choose = (request: GenerateRequest, index: number): Script =>
      index === 0
        ? { tokens: [], failure: new PilotfishError('kv-full', 'Full.') }
        : answerTo(request);
    const { out, err, exitCode, dependencies } = await chat('a\n/nope\nb\n', [], {}, choose);
    expect(out).toBe('\nre: b\n');
    expect(err).toContain('error[kv-full]: Full.\n');
    expect(err).toContain('error[option-invalid]: There is no command "/nope".\n');
    expect(exitCode).toBe(1);
    // The first line had no answer, so it is not remembered.
    expect(dependencies.requests[1]?.messages).toEqual([{ role: 'user', content: 'b' }]);
  });

  it('ends at a bug', async () => {
    const choose = (): Script => ({ tokens: [], failure: new InvariantError('no') });
    const { exitCode, dependencies } = await chat('a\nb\n', [], {}, choose);
    expect([exitCode, dependencies.requests.length]).toEqual([70, 1]);
    expect(dependencies.disposedCount()).toBe(1);
  });

  it('prints only JSON with --json', async () => {
    const { out, exitCode } = await chat('a\n/help\n/seed x\nb\n', ['--json']);
    const types = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).type);
    const run = ['start', 'token', 'summary'];
    expect(types).toEqual([...run, 'error', ...run]);
    expect(exitCode).toBe(2);
  });

  it('ends when the process is interrupted', async () => {
    const recorded = recordedIo({ input: 'a\nb\n' });
    const beforeToken = (): void => recorded.abort(new PilotfishError('aborted', 'Interrupted.'));
    const dependencies = scriptedDependencies(() => ({ ...answerTo({}), beforeToken }));
    await runCli(['chat'], recorded.io, dependencies);
    expect(recorded.err()).toBe('error[aborted]: Interrupted.\n');
    expect([recorded.exitCode(), dependencies.requests.length]).toEqual([130, 1]);
    expect(dependencies.disposedCount()).toBe(1);
  });
});

describe('chat at a terminal', () => {
  it('prompts, answers, and leaves with Ctrl-D', async () => {
    const { out, exitCode, unused } = await typing([
      ['> ', 'hello\r'],
      ['tokens/s', '/nope\r'],
      ['> ', CTRL_D],
    ]);
    expect(out).toContain('/help lists what else can be typed.\n');
    expect(out).toContain('re: hello\nentropy: 1 tokens');
    expect(out.endsWith('> \u001b[3G\n')).toBe(true);
    expect([exitCode, unused]).toEqual([null, 0]);
  });

  it('cancels an answer with Ctrl-C and keeps its shown part; at the prompt it leaves', async () => {
    const held: Script = {
      tokens: [
        ['shown', 'small', false],
        [' never', 'large', false],
      ],
      heldFrom: 1,
    };
    const choose = (request: GenerateRequest, index: number): Script =>
      index === 0 ? held : answerTo(request);
    const { out, dependencies, exitCode, unused } = await typing(
      [
        ['> ', 'one\r'],
        ['shown', CTRL_C],
        ['(stopped)', 'two\r'],
        ['tokens/s', CTRL_C],
      ],
      choose,
    );
    expect(out).toContain('shown\n(stopped)\n');
    expect(out).not.toContain('never');
    expect(dependencies.requests[1]?.messages).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'shown' },
      { role: 'user', content: 'two' },
    ]);
    expect([exitCode, unused, dependencies.disposedCount()]).toEqual([null, 0, 1]);
  });
});
