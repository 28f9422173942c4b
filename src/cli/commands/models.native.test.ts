import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Chalk } from 'chalk';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inspectModel } from '../../app/models.ts';
import {
  type CatalogBench,
  catalogBench,
  failureOf,
  sha256Of,
  someBytes,
} from '../../catalog/fakes/catalog-bench.ts';
import { type FakeHub, startFakeHub } from '../../catalog/fakes/fake-hub.ts';
import type { ModelFileFacts } from '../../model/llama-cpp/model-file.ts';
import type { CliIo } from '../io.ts';
import { registerModels } from './models.ts';

const BYTES = someBytes(50_000);
const NAME = 'hub:me/repo/model.gguf';

let bench: CatalogBench;
let hub: FakeHub;

beforeEach(async () => {
  bench = catalogBench();
  hub = await startFakeHub();
  hub.files.set('me/repo/resolve/main/model.gguf', { bytes: BYTES });
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});

interface Said {
  out: string;
  err: string;
}

function fakeIo(said: Said): CliIo {
  const plain = new Chalk({ level: 0 });
  return {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    outIsTerminal: false,
    errIsTerminal: false,
    columns: 80,
    rows: 24,
    color: plain,
    errColor: plain,
    input: new PassThrough(),
    inputIsTerminal: false,
    env: {
      PILOTFISH_HOME: bench.home,
      HF_ENDPOINT: hub.url,
      HOME: join(bench.root, 'nobody'),
      PATH: join(bench.root, 'empty'),
    },
    signal: new AbortController().signal,
    setExitCode: () => undefined,
  };
}

const said: Said = { out: '', err: '' };

async function run(...args: readonly string[]): Promise<string> {
  said.out = '';
  said.err = '';
  const program = new Command('pilotfish').exitOverride();
  program.configureOutput({ writeOut: fakeIo(said).out, writeErr: fakeIo(said).err });
  registerModels(program, fakeIo(said), {
    inspectModel: (name, options) => inspectModel(name, options, async (path) => factsOf(path)),
  });
  await program.parseAsync(['models', ...args], { from: 'user' });
  return said.out;
}

function lines(text: string): readonly unknown[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

function factsOf(path: string): ModelFileFacts {
  return {
    path,
    byteCount: 50_000,
    architecture: 'qwen2',
    // Names come from strangers.
    name: 'Evil \u001b[31mname',
    quantisation: 'q4_K',
    layerCount: 24,
    hiddenSize: 896,
    vocabularySize: 151_936,
    contextLengthMax: 32_768,
    tensorCount: 291,
    weightBytes: 40_000,
    parameterCounts: { body: 357_898_112, outputHead: 136_134_656 },
    chatTemplate: '{{ messages }}',
    kvBytesPerToken: 12_288,
    tokenEmbeddings: null,
  };
}

describe('models list', () => {
  it('is a table for people', async () => {
    const [head, first, ...rest] = (await run('list')).split('\n');
    expect(head).toMatch(/^NAME +ROLE +SIZE +LICENCE +STATE +PATH$/);
    expect(first).toMatch(
      /^qwen2\.5-coder-0\.5b-instruct +small of qwen2\.5-coder +491 MB +Apache-2\.0 +absent +–$/,
    );
    expect(rest.join('\n')).toContain('gemma-3-270m: Gemma terms of use');
  });

  it('is one object a line for programs', async () => {
    const models = lines(await run('list', '--json'));
    expect(models).toHaveLength(8);
    expect(models[1]).toMatchObject({
      type: 'model',
      name: 'qwen2.5-coder-1.5b-instruct',
      state: 'absent',
      pairs: [{ pair: 'qwen2.5-coder', role: 'large' }],
      bytes: 1_117_320_768,
    });
    expect(models[4]).toMatchObject({
      name: 'pocket-large',
      state: 'present',
      source: 'package',
      isVerified: true,
      licence: 'Apache-2.0',
      pairs: [
        { pair: 'pocket', role: 'large' },
        { pair: 'pocket-strong', role: 'large' },
      ],
    });
    expect(said.err).toBe('');
  });

  it('shows the progress of an interrupted pull', async () => {
    const partial = join(bench.home, 'models/SmolLM2-135M-Instruct.Q4_1.gguf.partial');
    await mkdir(dirname(partial), { recursive: true });
    await writeFile(partial, Buffer.alloc(5_000_000));
    expect(await run('list')).toContain('partial (5%)');
  });
});

describe('models pull', () => {
  it('prints the path of the model; other texts go to standard error', async () => {
    const path = join(bench.home, 'models/hub/me/repo@main/model.gguf');
    expect(await run('pull', NAME)).toBe(`${NAME}  ${path}\n`);
    expect(said.err).toContain('Pulling');
    expect(existsSync(path)).toBe(true);
  });

  it('gives one object a line', async () => {
    const [model, ...rest] = lines(await run('pull', NAME, NAME, '--json'));
    expect(model).toMatchObject({ type: 'model', name: NAME, source: 'hub' });
    expect(model).toHaveProperty('sha256', sha256Of(BYTES));
    expect(rest).toEqual([]);
  });

  it('checks every name before it fetches the first', async () => {
    const error = await failureOf(run('pull', NAME, 'no-such-model'));
    expect(error.code).toBe('model-unknown');
    expect(hub.requests).toEqual([]);
    expect((await failureOf(run('pull', '--pair', 'no-such-pair'))).code).toBe('pair-unknown');
  });

  it.each([[['pull']], [['pull', '--pair', 'qwen2.5-coder']]])('%s pulls a pair', async (args) => {
    const error = await failureOf(run(...args));
    expect(error.code).toBe('source-unavailable');
    expect(error.message).toContain('qwen2.5-coder-0.5b-instruct');
    expect(error.message).toContain('PyPI: there is no pip');
  });
});

describe('models inspect', () => {
  it('shows the facts of the file, made safe for a terminal', async () => {
    await run('pull', NAME);
    const text = await run('inspect', NAME);
    expect(text).toMatch(/^architecture +qwen2$/m);
    expect(text).toMatch(/^parameters, body +357,898,112$/m);
    expect(text).toMatch(/^parameters, output head +136,134,656$/m);
    expect(text).toMatch(/^chat template +yes$/m);
    expect(text).toMatch(/^vocabulary size +151,936$/m);
    expect(text).not.toContain('\u001b');
  });

  it('gives one object with all facts', async () => {
    const path = join(bench.root, 'mine.gguf');
    await writeFile(path, BYTES);
    const [facts] = lines(await run('inspect', path, '--json'));
    expect(facts).toMatchObject({
      type: 'model',
      name: path,
      source: 'path',
      title: 'Evil \u001b[31mname',
      layerCount: 24,
      parameterCounts: { body: 357_898_112, outputHead: 136_134_656 },
    });
  });

  it('does not pull', async () => {
    const error = await failureOf(run('inspect', NAME));
    expect(error.code).toBe('model-file-missing');
    expect(error.remedy).toContain('models pull');
    expect(hub.requests).toEqual([]);
  });
});

describe('models verify', () => {
  it('verifies all models on this machine', async () => {
    await run('pull', NAME);
    const line = `right  ${NAME}  ${sha256Of(BYTES)}\n`;
    expect(await run('verify')).toContain(line);
    expect(await run('verify', NAME)).toBe(line);
  });

  it('verifies the bundled models if none was pulled', async () => {
    const names = ['pocket-large', 'pocket-small', 'pocket-small-strong', 'pocket-judge'];
    await run('verify', '--json');
    expect(lines(said.out)).toMatchObject(names.map((name) => ({ name, isRight: true })));
  });

  it('checks all models before it fails', async () => {
    await run('pull', NAME);
    const wrong = join(bench.home, 'models/SmolLM2-135M-Instruct.Q4_1.gguf');
    await writeFile(wrong, BYTES);
    const error = await failureOf(run('verify', '--json'));
    expect(error.code).toBe('digest-mismatch');
    const verdicts = lines(said.out);
    expect(verdicts[0]).toMatchObject({
      name: 'smollm2-135m-instruct',
      isRight: false,
      path: wrong,
    });
    expect(verdicts.at(-1)).toMatchObject({ type: 'verified', name: NAME, isRight: true });
  });
});

describe('models --help', () => {
  it('has examples and the environment', async () => {
    await run('--help').catch(() => undefined);
    expect(said.out).toContain('pilotfish models pull smollm2-135m-instruct');
    expect(said.out).toContain('HF_ENDPOINT');
  });
});
