import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../test/cli/recorded-io.ts';
import { type Script, scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import { runCli } from '../run-cli.ts';

const SCRIPT: Script = {
  tokens: [
    ['Fish', 'small', true],
    [' swim\u001b[2J', 'large', false],
    ['.', 'small', false],
  ],
};
const TEXT = 'Fish swim\u001b[2J.';

async function ask(args: readonly string[], options: RecordedIoOptions = {}, script = SCRIPT) {
  const dependencies = scriptedDependencies(() => script);
  const recorded = recordedIo(options);
  await runCli(['ask', ...args], recorded.io, dependencies);
  return {
    dependencies,
    out: recorded.out(),
    err: recorded.err(),
    exitCode: recorded.exitCode(),
  };
}

function jsonLines(text: string): { type: string }[] {
  expect(text.endsWith('\n')).toBe(true);
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line));
}

describe('ask', () => {
  it('gives a pipe the exact answer, and the summary to standard error', async () => {
    const { out, err, exitCode, dependencies } = await ask(['hi']);
    expect(out).toBe(TEXT);
    expect(err).toMatch(/^strategy {9}entropy\n/);
    expect([exitCode, dependencies.disposedCount()]).toEqual([null, 1]);
  });

  it('shows a terminal legend, coloured harmless text and summary', async () => {
    const { out, err } = await ask(['hi'], { terminal: true, colorLevel: 2 });
    expect(err).toBe('');
    expect(out).toContain('\u001b[38;5;29mFish\u001b[39m\u001b[38;5;166m\u001b[1m swim␛[2J');
    expect(stripVTControlCharacters(out)).toMatch(
      /^written by: .*\n\nFish swim␛\[2J\.\n\nstrategy /,
    );
  });

  it('shows drafts in grey on a terminal with colours, and as lines with --json', async () => {
    const script = { ...SCRIPT, drafts: ['Bi', 'Bird', ''] };
    const terminal = { terminal: true, colorLevel: 2 } as const;
    const shown = await ask(['--provisional', 'hi'], terminal, script);
    const grey = (text: string): string => `\u001b[90m${text}\u001b[39m`;
    const back = '\u001b[1G\u001b[0J';
    expect(shown.out).toContain(`${grey('Bi')}${back}${grey('Bird')}${back}\u001b[38;5;29mFish`);
    const { out } = await ask(['--provisional', '--json', 'hi'], {}, script);
    const texts = jsonLines(out).flatMap((line) => ('text' in line ? [line] : []));
    expect(texts.slice(0, 3)).toMatchObject(script.drafts.map((text) => ({ type: 'draft', text })));
    for (const [args, options] of [
      [['--provisional', '--no-color', 'hi'], terminal],
      [['--provisional', 'hi'], {}],
      [['hi'], terminal],
      [['--json', 'hi'], {}],
    ] as const) {
      const { out: text, dependencies } = await ask(args, options, script);
      expect(text).not.toContain('Bird');
      expect(dependencies.requests[0]?.drafts).toBeUndefined();
    }
  });

  it('passes the options of steps and samples to the engine', async () => {
    const steps = ['--steps', 'newline', '--drafts', '2', '--end-drafts-early'];
    const { dependencies } = await ask([...steps, '--samples', '5', 'hi']);
    expect(dependencies.opened[0]).toMatchObject({
      steps: { separators: ['\n'], draftCount: 2, endsDraftsEarly: true },
      samples: { count: 5 },
    });
  });

  it('reads routers from the named files', async () => {
    const files = ['--head', 'a.safetensors', '--head', 'b.safetensors'];
    const { dependencies } = await ask([...files, '--strategy', 'citer@10%', 'hi']);
    expect(dependencies.opened).toMatchObject([
      { strategies: ['citer@10%'], headFiles: ['a.safetensors', 'b.safetensors'] },
    ]);
    expect(dependencies.requests).toMatchObject([{ strategy: 'citer@10%' }]);
    const without = await ask(['hi']);
    expect(without.dependencies.opened[0]).not.toHaveProperty('headFiles');
  });

  it('uses no colours and no legend with --no-color', async () => {
    const { out } = await ask(['--no-color', 'hi'], { terminal: true, colorLevel: 3 });
    expect(out).toMatch(/^Fish swim␛\[2J\.\n\nstrategy /);
  });

  it('prints exactly the events with --json, on a terminal, too', async () => {
    for (const terminal of [false, true]) {
      const { out, err, dependencies } = await ask(['--json', 'hi'], { terminal });
      const lines = jsonLines(out);
      expect(lines.map(({ type }) => type)).toEqual([
        'start',
        'token',
        'token',
        'token',
        'summary',
      ]);
      expect(lines[2]).toMatchObject({ text: ' swim\u001b[2J', origin: 'large' });
      expect(err).toBe('');
      expect(dependencies.requests[0]?.logprobs).toBe(true);
    }
  });

  it('passes every option on', async () => {
    const { dependencies } = await ask([
      ...['--strategy', 'speculative', '--system', 'Be brief.', '--temperature', '0.5'],
      ...['--top-k', '40', '--top-p', '0.9', '--min-p', '0.1', '--seed', '-7'],
      ...['--max-tokens', '9', '--stop', 'a', '--stop', 'b', '--context', '2048'],
      ...['--threads', '2', '--proposer', 'prompt-lookup', '--verifier', 'rejection'],
      ...[
        '--draft-length',
        '4',
        '--template',
        'large',
        '--pair',
        'p',
        '--small',
        's',
        '--large',
        'l',
        '--offline',
        'hi',
      ],
    ]);
    expect(dependencies.opened[0]).toMatchObject({
      pair: 'p',
      small: 's',
      large: 'l',
      strategies: ['speculative'],
      template: 'large',
      contextLength: 2048,
      threadCount: 2,
      offline: true,
      speculative: { proposer: 'prompt-lookup', verifier: 'rejection', draftLength: 4 },
    });
    const { signal, ...request } = dependencies.requests[0] ?? {};
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(request).toEqual({
      strategy: 'speculative',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'hi' },
      ],
      sampling: { temperature: 0.5, topK: 40, topP: 0.9, minP: 0.1 },
      seed: -7,
      maxTokens: 9,
      stop: ['a', 'b'],
    });
  });

  it('leaves defaults to the engine', async () => {
    const { dependencies } = await ask(['hi']);
    const { signal, onProgress, onNotice, ...options } = required(dependencies.opened[0], 'opened');
    expect(signal).toBeInstanceOf(AbortSignal);
    for (const told of [onProgress, onNotice]) expect(told).toBeTypeOf('function');
    expect(options).toEqual({
      ...{ strategies: ['entropy'], speculative: {}, steps: {}, samples: {}, uplink: {} },
    });
    expect(dependencies.requests[0]).toMatchObject({ strategy: 'entropy' });
    expect(dependencies.requests[0]?.seed).toBeUndefined();
  });

  it('passes a raw prompt on unchanged', async () => {
    const { dependencies } = await ask(['--raw', '-'], { input: 'def f():\n' });
    expect(dependencies.requests[0]).toMatchObject({ prompt: 'def f():\n' });
    expect(dependencies.requests[0]).not.toHaveProperty('messages');
  });

  it('parses special tokens of a raw prompt on request, and of no message', async () => {
    const { dependencies } = await ask(['--raw', '--parse-special', '<|im_start|>user']);
    expect(dependencies.requests[0]).toMatchObject({
      ...{ prompt: '<|im_start|>user', parseSpecial: true },
    });
    const refused = await ask(['--parse-special', '<|im_start|>user']);
    expect(refused.err).toContain('error[option-invalid]: --parse-special is given without --raw.');
    expect([refused.exitCode, refused.dependencies.opened]).toEqual([2, []]);
  });

  it('stops in the middle of an answer, disposes of the engine, and says so', async () => {
    const recorded = recordedIo({ terminal: true });
    const beforeToken = (index: number): void => {
      if (index === 1) recorded.abort(new PilotfishError('aborted', 'Interrupted.'));
    };
    const dependencies = scriptedDependencies(() => ({ ...SCRIPT, beforeToken }));
    await runCli(['ask', 'hi'], recorded.io, dependencies);
    expect(recorded.out()).toBe('Fish\n');
    expect(recorded.err()).toBe('error[aborted]: Interrupted.\n');
    expect([recorded.exitCode(), dependencies.disposedCount()]).toEqual([130, 1]);
  });

  it('ends JSON output with the error, after the written tokens', async () => {
    const failure = new PilotfishError('kv-full', 'Full.', { remedy: 'Use --context.' });
    const { out, exitCode, dependencies } = await ask(['--json', 'hi'], {}, { ...SCRIPT, failure });
    const lines = jsonLines(out);
    expect(lines.map(({ type }) => type)).toEqual(['start', 'token', 'token', 'token', 'error']);
    expect(lines.at(-1)).toEqual({
      type: 'error',
      code: 'kv-full',
      message: 'Full.',
      remedy: 'Use --context.',
    });
    expect([exitCode, dependencies.disposedCount()]).toEqual([1, 1]);
  });

  it('reports any other failure as a bug', async () => {
    const { err, exitCode } = await ask(['hi'], {}, { ...SCRIPT, failure: new TypeError('oops') });
    expect([err.split('\n')[0], exitCode]).toEqual(['error[internal]: oops', 70]);
  });

  it('shows progress and notices on standard error only', async () => {
    const dependencies = scriptedDependencies(() => SCRIPT);
    const recorded = recordedIo();
    await runCli(['ask', '--json', 'hi'], recorded.io, {
      ...dependencies,
      openEngine: (options) => {
        options.onProgress?.({ label: 'Loading', done: 0, total: 1, unit: 'fraction' });
        options.onNotice?.('Using the mirror.');
        return dependencies.openEngine(options);
      },
    });
    expect(recorded.err()).toBe('Loading …\nUsing the mirror.\n');
    expect(jsonLines(recorded.out())).toHaveLength(5);
  });

  it('passes the grammar on: a schema as text or file, a GBNF file, a pattern', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilotfish-'));
    const [schemaFile, gbnfFile] = [join(folder, 'schema.json'), join(folder, 'a.gbnf')];
    await writeFile(schemaFile, '{"type":"integer"}');
    await writeFile(gbnfFile, 'root ::= "a"');
    const grammarOf = async (...args: string[]): Promise<unknown> =>
      (await ask([...args, 'hi'])).dependencies.requests[0]?.grammar;
    expect(await grammarOf('--json-schema', ' {"type":"null"}')).toEqual({
      jsonSchema: ' {"type":"null"}',
    });
    expect(await grammarOf('--json-schema', schemaFile)).toEqual({
      jsonSchema: '{"type":"integer"}',
    });
    expect(await grammarOf('--grammar', gbnfFile)).toEqual({ gbnf: 'root ::= "a"' });
    expect(await grammarOf('--regex', '[ab]')).toEqual({ regex: '[ab]' });
    expect(await grammarOf()).toBeUndefined();
    await rm(folder, { recursive: true });
  });

  it.each([
    [['--regex', '('], 'grammar-invalid'],
    [['--json-schema', '{"type":"foo"}'], 'grammar-invalid'],
    [['--json-schema', '{"type":'], 'grammar-invalid'],
    [['--regex', 'a', '--json-schema', '{}'], 'option-invalid'],
    [['--grammar', '/nowhere/at-all.gbnf'], 'file-system-failed'],
  ])('refuses %j before a model is loaded: %s', async (args, code) => {
    const { err, dependencies } = await ask([...args, 'hi']);
    expect(err).toContain(`error[${code}]`);
    expect(dependencies.opened).toEqual([]);
  });
});
