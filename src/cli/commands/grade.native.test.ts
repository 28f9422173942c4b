import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import { GRADE_LINE_BYTES_MAX } from '../../app/grading/grade-limits.ts';
import { runCli } from '../run-cli.ts';

function started(args: readonly string[], options: RecordedIoOptions = {}) {
  const recorded = recordedIo(options);
  const dependencies = scriptedDependencies(() => ({ tokens: [] }));
  return { ...recorded, end: runCli(['grade', ...args], recorded.io, dependencies) };
}

async function grade(args: readonly string[], options: RecordedIoOptions = {}) {
  const { end, out, err, exitCode } = started(args, options);
  await end;
  return { out: out(), err: err(), exitCode: exitCode() };
}

const NUMBER = ['--kind', 'number'];
const SEVEN = '{"answer": "#### 7\\nQuestion: next\\n#### 5", "gold": 7}\n';

describe('grade', () => {
  it('writes a line per line, in order', async () => {
    const input = `${SEVEN}{"answer": "It is 8.", "gold": "7", "id": 1}\r\n{"answer": "none", "gold": "$7"}`;
    const { out, err, exitCode } = await grade(NUMBER, { input });
    expect(out.split('\n')).toEqual([
      '{"right":true,"read":"7","why":"the line \\"#### 7\\""}',
      '{"right":false,"read":"8","why":"the last sentence with a number"}',
      '{"right":false,"read":null,"why":"no answer found"}',
      '',
    ]);
    expect([err, exitCode]).toEqual(['', null]);
  });

  it('compares integers of any size', async () => {
    const input = [
      '{"answer": "The answer is 9007199254740993.", "gold": 9007199254740993}',
      '{"answer": "The answer is 9007199254740992.", "gold": 9007199254740993}',
    ].join('\n');
    const { out } = await grade(NUMBER, { input });
    expect(out.match(/"right":\w+/g)).toEqual(['"right":true', '"right":false']);
  });

  it('reads choices by letter and text', async () => {
    const input = [
      '{"answer": "I would pick B.", "gold": "B", "choices": ["Rome", "Paris"]}',
      '{"answer": "It is Rome.", "gold": "Paris", "choices": ["Rome", "Paris"]}',
      '{"answer": "[B]", "gold": 5, "choices": [4, 5]}',
    ].join('\n');
    const { out } = await grade(['--kind', 'choice', '-'], { input });
    expect(out.match(/"right":\w+,"read":"\w"/g)).toEqual([
      '"right":true,"read":"B"',
      '"right":false,"read":"A"',
      '"right":true,"read":"B"',
    ]);
  });

  it('writes a grade before the next line is there', async () => {
    const input = new PassThrough();
    let end: Promise<void> = Promise.resolve();
    const first = new Promise<string>((resolve) => {
      end = started(NUMBER, { input, onOut: resolve }).end;
    });
    input.write(SEVEN.slice(0, 9));
    input.write(SEVEN.slice(9));
    expect(await first).toMatch(/"right":true/);
    input.end();
    await end;
  });

  it('stops at Ctrl-C, though no line comes', async () => {
    const { end, abort, exitCode, err } = started(NUMBER, { input: new PassThrough() });
    setImmediate(() => abort());
    await end;
    expect(err()).toMatch(/^error\[aborted\]/);
    expect(exitCode()).toBe(130);
  });

  it.each([
    ['oops', /line 2: is not JSON/],
    ['[]', /line 2: Invalid input: expected object/],
    ['{"answer": 7, "gold": "7"}', /line 2: answer: /],
    ['{"answer": "7"}', /line 2: gold: /],
    [
      '{"answer": "7", "gold": "seven"}',
      /line 2: the gold "seven" of the kind number is not one number/,
    ],
    [`\n${SEVEN}`, /line 2: is empty/],
    [Buffer.from([0x7b, 0xff, 0x7d]), /line 2: is not text in UTF-8/],
    ['x'.repeat(GRADE_LINE_BYTES_MAX + 1), /line 2: has more than 4 MiB/],
  ])('names a wrong line and keeps the grades before it', async (line, message) => {
    const input = [Buffer.from(SEVEN), Buffer.from(line as string), Buffer.from(`\n${SEVEN}`)];
    const { out, err, exitCode } = await grade(NUMBER, { input });
    expect(out).toMatch(/^\{"right":true[^\n]+\}\n$/);
    expect(err).toMatch(message);
    expect(err).toMatch(/^error\[data-invalid\]: The input, /);
    expect(exitCode).toBe(1);
  });

  it('needs choices where the kind is choice', async () => {
    const { err } = await grade(['--kind', 'choice'], { input: '{"answer": "A", "gold": "A"}' });
    expect(err).toMatch(/line 1: the gold "A" of the kind choice needs from 2 to 26 options/);
  });

  it('needs a kind, and an input', async () => {
    expect(await grade([])).toMatchObject({ exitCode: 2 });
    expect(await grade(['--kind', 'poem'])).toMatchObject({ exitCode: 2 });
    const { err, exitCode } = await grade(NUMBER, { inputIsTerminal: true });
    expect(err).toMatch(/^error\[option-invalid\]: There is no input\./);
    expect(exitCode).toBe(2);
  });

  describe('of a file', () => {
    let folder = '';
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'pilotfish-grade-'));
    });
    afterEach(async () => {
      await rm(folder, { recursive: true });
    });

    it('reads it, with or without a mark of byte order and empty last lines', async () => {
      const path = join(folder, 'answers.jsonl');
      await writeFile(path, `\ufeff${SEVEN}${SEVEN}\n\n`);
      const { out, exitCode } = await grade([...NUMBER, path]);
      expect(out.match(/"right":true/g)).toHaveLength(2);
      expect(exitCode).toBeNull();
    });

    it('says where it cannot be read', async () => {
      const path = join(folder, 'none.jsonl');
      const { err, exitCode } = await grade([...NUMBER, path]);
      expect(err).toContain(
        `error[file-system-failed]: Could not read ${path}: there is no such file`,
      );
      expect(exitCode).toBe(1);
      expect((await grade([...NUMBER, folder])).err).toMatch(/it is a folder/);
    });
  });
});
