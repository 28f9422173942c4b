/** The program as a process, as a shell sees it. No model, no network. Rarer ends: process.long.test.ts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RUNS_ARE_FULL } from '../runs.ts';
import { REAL, ROOT, run, SCRIPTED } from './program.ts';

describe('the program', () => {
  it('shows help without models or a native library', async () => {
    const env = { PILOTFISH_LLAMA_CPP: '/nonexistent' };
    const help = await run(REAL, ['ask', '--help'], { env });
    expect(help).toMatchObject({ err: '', code: 0 });
    expect(help.out).toContain(
      "Strategies, as NAME or NAME@THRESHOLD\nOne model's own text:\n  small",
    );
  });

  it('refuses an invalid option, with code 2', async () => {
    const { out, err, code } = await run(REAL, ['ask', '--strategy', 'nope', 'hi']);
    expect(err).toMatch(/^error\[strategy-unknown\]: .*"nope"\.\nhelp: Choose one of small/);
    expect([out, code]).toEqual(['', 2]);
  });

  it('gives a pipe the exact answer', async () => {
    const { out, err, code } = await run(SCRIPTED, ['ask', '-'], { input: 'hi\n' });
    expect(out).toBe('A pilot fish swims ahead of the\nshark\u001b[31m.');
    expect(err).toMatch(/^strategy {9}entropy\n[\s\S]*\ndisposed\n$/);
    expect(code).toBe(0);
  });

  it('stops at Ctrl-C, disposes, and tells JSON readers', async () => {
    const { out, err, code } = await run(SCRIPTED, ['ask', '--json', 'hi'], {
      env: { SCRIPT_REPEAT: '100', SCRIPT_DELAY_MS: '50' },
      onFirstOutput: (child) => child.kill('SIGINT'),
    });
    expect(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ code: 'aborted' });
    expect(err).toBe('disposed\nerror[aborted]: Interrupted.\n');
    expect(code).toBe(130);
  });
});

describe('grade', () => {
  const kinds = RUNS_ARE_FULL ? ['number', 'latex', 'choice', 'text'] : ['latex'];
  it.each(kinds)('agrees with every label of %s', async (kind) => {
    const path = `${ROOT}/test/evaluation/graders/labelled-outputs.jsonl`;
    const rows = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter((row) => row.kind === kind && row.limit === undefined);
    const lines = rows.map(({ output, answer, options }) => {
      return JSON.stringify({ answer: output, gold: answer, choices: options });
    });
    const { out, err, code } = await run(REAL, ['grade', '--kind', kind], {
      input: lines.join('\n'),
    });
    const right = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).right);
    expect(right).toEqual(rows.map(({ isRight }) => isRight));
    expect([err, code]).toEqual(['', 0]);
  });
});
