import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowProgram } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { type TokenId, tokenId, tokenIds } from '../../core/token-id.ts';
import { type GgufTensor, type GgufValue, writeGguf } from '../../testing/gguf-writer.ts';
import { writeRandomModel } from '../../testing/random-model.ts';
import type { ForwardRequest } from '../roles.ts';
import {
  type LlamaCppModel,
  type LoadOptions,
  loadModel,
  SEQUENCE_COUNT_MAX_DEFAULT,
} from './model.ts';

let folder: string;
/** A valid model file. */
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-load-'));
  path = join(folder, 'good.gguf');
  await writeRandomModel(path, { seed: 3, contextLength: 512 });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const SMALL: LoadOptions = { contextLength: 64, rowCountMax: 16, threadCount: 1 };

function request(model: LlamaCppModel, rowCount: number): ForwardRequest {
  const program: RowProgram = {
    vocabularySize: model.vocabulary.size,
    sampling: GREEDY,
    seed: 0,
    purpose: 'sample',
  };
  const tokens = tokenIds(Array.from({ length: rowCount }, (_, index) => 65 + (index % 20)));
  return { tokens, outputFrom: rowCount - 1, program };
}

/** Fills a sequence to the last position, and checks that one more token is refused. */
async function useWhole(model: LlamaCppModel): Promise<TokenId> {
  const { contextLength, rowCountMax } = model.facts;
  await using sequence = model.openSequence();
  let last: TokenId | undefined;
  while (sequence.length < contextLength) {
    const rowCount = Math.min(rowCountMax, contextLength - sequence.length);
    const { rows } = await sequence.forward(request(model, rowCount));
    last = rows[0]?.tokenId;
  }
  await expect(sequence.forward(request(model, 1))).rejects.toMatchObject({ code: 'kv-full' });
  expect(last).toBeLessThan(model.vocabulary.size);
  return last ?? tokenId(0);
}

async function loads(file: string): Promise<void> {
  await using model = await loadModel(file, SMALL);
  await useWhole(model);
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );

describe('a model loaded at the limits of its options', () => {
  it.each<LoadOptions>([
    { contextLength: 1 },
    { contextLength: 2 },
    { contextLength: 8 },
    { contextLength: 512 },
    { rowCountMax: 1 },
    { rowCountMax: 8 },
    { rowCountMax: 100_000 },
    { contextLength: 8, rowCountMax: 1, sequenceCountMax: 1 },
    { sequenceCountMax: 1 },
    { sequenceCountMax: 16, rowCountMax: 16 },
    { sequenceCountMax: 16, rowCountMax: 4 },
    { sequenceCountMax: 256, contextLength: 512, rowCountMax: 512 },
    { threadCount: Math.min(2, availableParallelism()), contextLength: 8 },
  ])('works to the last position with %o', async (one) => {
    await using model = await loadModel(path, { ...SMALL, ...one });
    const { contextLength, rowCountMax, sequenceCountMax } = model.facts;
    expect(contextLength).toBe(one.contextLength ?? SMALL.contextLength);
    expect(rowCountMax).toBeLessThanOrEqual(contextLength);
    const chosen = await useWhole(model);
    // The number of sequences is the requested one, limited by the rows of a batch.
    const wanted = Math.min(one.sequenceCountMax ?? SEQUENCE_COUNT_MAX_DEFAULT, rowCountMax);
    expect(sequenceCountMax).toBe(wanted);
    const sequences = Array.from({ length: wanted }, () => model.openSequence());
    expect(() => model.openSequence()).toThrow(/in use/);
    const fitting = sequences.slice(0, contextLength);
    const forwards = fitting.map((sequence) => sequence.forward(request(model, 1)));
    const choices = (await Promise.all(forwards)).map(({ rows }) => rows[0]?.tokenId);
    expect(new Set(choices).size).toBe(1);
    for (const sequence of sequences) await sequence[Symbol.asyncDispose]();
    expect(model.sequenceCount).toBe(0);
    // Used slots work like new ones.
    expect(await useWhole(model)).toBe(chosen);
  });

  it('holds several full sequences if it has more cells than a context', async () => {
    await using model = await loadModel(path, { ...SMALL, contextLength: 512, cellCount: 1536 });
    expect(model.facts).toMatchObject({ contextLength: 512, cellCount: 1536 });
    const sequences = [model.openSequence(), model.openSequence(), model.openSequence()];
    for (const sequence of sequences) {
      while (sequence.length < 512) {
        await sequence.forward({ ...request(model, 16), outputFrom: 16 });
      }
    }
    expect(await model.countCachedTokens()).toBe(1536);
    for (const sequence of sequences) {
      expect(await codeOf(sequence.forward(request(model, 1)))).toBe('kv-full');
      await sequence[Symbol.asyncDispose]();
    }
  });

  it.each<LoadOptions>([
    { cellCount: 0 },
    { cellCount: 63 },
    { contextLength: 0 },
    { contextLength: -5 },
    { contextLength: 1.5 },
    { contextLength: Number.NaN },
    { contextLength: Number.POSITIVE_INFINITY },
    { contextLength: 2 ** 32 },
    { contextLength: 513 },
    { rowCountMax: 0 },
    { rowCountMax: -1 },
    { rowCountMax: 2.5 },
    { sequenceCountMax: 0 },
    { sequenceCountMax: 257 },
    { sequenceCountMax: 1.5 },
    { threadCount: 0 },
    { threadCount: -1 },
    { threadCount: 1.5 },
    { threadCount: 10_000 },
  ])('is refused with %o', async (options) => {
    await expect(loadModel(path, { ...SMALL, ...options })).rejects.toMatchObject({
      code: 'option-invalid',
      remedy: expect.any(String),
    });
  });

  it('is refused if memory is short by a byte, with the memory that it needs', async () => {
    const error = await loadModel(path, { ...SMALL, memoryBytes: 1000 }).catch(
      (reason: { code: string; fields: { neededBytes: number } }) => reason,
    );
    expect(error).toMatchObject({ code: 'memory-insufficient', fields: { availableBytes: 1000 } });
    if (!('fields' in error)) throw new Error('it loaded');
    const { neededBytes } = error.fields;
    const short = loadModel(path, { ...SMALL, memoryBytes: neededBytes - 1 });
    expect(await codeOf(short)).toBe('memory-insufficient');
    await using model = await loadModel(path, { ...SMALL, memoryBytes: neededBytes });
    await useWhole(model);
  });
});

const HIDDEN = 32;
const text = (value: string): GgufValue => ({ type: 'string', value });
const number = (value: number): GgufValue => ({ type: 'uint32', value });
const strings = (value: readonly string[]): GgufValue => ({ type: 'strings', value });

function tensor(name: string, ...shape: number[]): GgufTensor {
  const length = shape.reduce((product, size) => product * size, 1);
  return { name, shape, data: new Float32Array(length).fill(0.01) };
}

const shapeOf = (architecture: string): Record<string, GgufValue> => ({
  'general.architecture': text(architecture),
  [`${architecture}.context_length`]: number(128),
  [`${architecture}.embedding_length`]: number(HIDDEN),
  [`${architecture}.block_count`]: number(1),
  [`${architecture}.feed_forward_length`]: number(HIDDEN),
  [`${architecture}.attention.head_count`]: number(1),
  [`${architecture}.attention.layer_norm_rms_epsilon`]: { type: 'float32', value: 1e-5 },
});

/** Writes one transformer layer with a tokenizer of any kind. */
async function writeWithTokenizer(
  file: string,
  tokenCount: number,
  tokenizer: Readonly<Record<string, GgufValue>>,
): Promise<void> {
  const block = ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'];
  await writeGguf(
    file,
    { ...shapeOf('llama'), 'llama.vocab_size': number(tokenCount), ...tokenizer },
    [
      tensor('token_embd.weight', HIDDEN, tokenCount),
      tensor('blk.0.attn_norm.weight', HIDDEN),
      tensor('blk.0.ffn_norm.weight', HIDDEN),
      ...block.map((name) => tensor(`blk.0.${name}.weight`, HIDDEN, HIDDEN)),
      tensor('output_norm.weight', HIDDEN),
      tensor('output.weight', HIDDEN, tokenCount),
    ],
  );
}

const BYTE_TOKENS = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);
const sentencePiece = (tokens: readonly string[]): Record<string, GgufValue> => ({
  'tokenizer.ggml.model': text('llama'),
  'tokenizer.ggml.tokens': strings(tokens),
  'tokenizer.ggml.token_type': {
    type: 'int32s',
    // The types are unknown, control, byte, normal.
    value: tokens.map((token) => {
      if (token === '<unk>') return 2;
      if (token === '<s>' || token === '</s>') return 3;
      return BYTE_TOKENS.includes(token) ? 6 : 1;
    }),
  },
  'tokenizer.ggml.bos_token_id': number(1),
  'tokenizer.ggml.eos_token_id': number(2),
});

describe('a tokenizer that would end the process', () => {
  it('is refused if it is missing', async () => {
    const file = join(folder, 'no-vocab.gguf');
    await writeWithTokenizer(file, 16, { 'tokenizer.ggml.model': text('no_vocab') });
    await expect(loadModel(file, SMALL)).rejects.toMatchObject({
      code: 'model-load-failed',
      message: 'The model has no tokenizer.',
    });
    await loads(path);
  });

  it.each([
    { missing: 256, left: [] },
    { missing: 1, left: BYTE_TOKENS.slice(0, 255) },
    { missing: 1, left: BYTE_TOKENS.slice(1) },
  ])('is refused if SentencePiece lacks $missing byte tokens', async ({ left }) => {
    const file = join(folder, `spm-${left.length}-${left[0] === '<0x01>' ? 'high' : 'low'}.gguf`);
    const tokens = ['<unk>', '<s>', '</s>', ...left, '▁', 'a', 'b', '▁a', '\n'];
    await writeWithTokenizer(file, tokens.length, sentencePiece(tokens));
    expect(await codeOf(loadModel(file, SMALL))).toBe('model-load-failed');
    await loads(path);
  });

  it('works with all byte tokens, for any character', async () => {
    const file = join(folder, 'spm.gguf');
    const tokens = ['<unk>', '<s>', '</s>', ...BYTE_TOKENS, '▁', 'a', 'b', '▁a'];
    await writeWithTokenizer(file, tokens.length, sentencePiece(tokens));
    await using model = await loadModel(file, SMALL);
    const { vocabulary } = model;
    const bytes = vocabulary.tokenize('ab é\n').flatMap((id) => [...vocabulary.tokenBytes(id)]);
    expect(Buffer.from(bytes).toString('utf8').trimStart()).toBe('ab é\n');
    await useWhole(model);
  });
});

/** Writes a state-space layer, which has a state instead of a KV cache. */
async function writeMamba(file: string): Promise<void> {
  const inner = HIDDEN * 2;
  const [convolution, state, rank] = [4, 8, 2];
  const tokens = ['<unk>', '<s>', '</s>', ...BYTE_TOKENS];
  await writeGguf(
    file,
    {
      ...shapeOf('mamba'),
      'mamba.vocab_size': number(tokens.length),
      'mamba.ssm.conv_kernel': number(convolution),
      'mamba.ssm.inner_size': number(inner),
      'mamba.ssm.state_size': number(state),
      'mamba.ssm.time_step_rank': number(rank),
      ...sentencePiece(tokens),
    },
    [
      tensor('token_embd.weight', HIDDEN, tokens.length),
      tensor('output_norm.weight', HIDDEN),
      tensor('blk.0.attn_norm.weight', HIDDEN),
      tensor('blk.0.ssm_in.weight', HIDDEN, inner * 2),
      tensor('blk.0.ssm_conv1d.weight', convolution, inner),
      tensor('blk.0.ssm_conv1d.bias', inner),
      tensor('blk.0.ssm_x.weight', inner, rank + 2 * state),
      tensor('blk.0.ssm_dt.weight', rank, inner),
      tensor('blk.0.ssm_dt.bias', inner),
      tensor('blk.0.ssm_a', state, inner),
      tensor('blk.0.ssm_d', inner),
      tensor('blk.0.ssm_out.weight', inner, HIDDEN),
    ],
  );
}

describe('an architecture that cannot be rolled back, or that is unknown', () => {
  it('is refused if its memory is a state', async () => {
    const file = join(folder, 'mamba.gguf');
    await writeMamba(file);
    await expect(loadModel(file, SMALL)).rejects.toMatchObject({
      code: 'model-architecture-unsupported',
      message: '"mamba" is a recurrent architecture.',
      fields: { path: file, architecture: 'mamba' },
    });
    await loads(path);
  });

  it('is named if the library does not know it, also among simultaneous loads', async () => {
    const unknown = join(folder, 'unknown.gguf');
    await writeRandomModel(unknown, { seed: 1, architecture: 'pilotwhale' });
    const results = await Promise.all([
      codeOf(loadModel(unknown, SMALL)),
      codeOf(loads(path)),
      codeOf(loadModel(unknown, SMALL)),
    ]);
    const refused = 'model-architecture-unsupported';
    expect(results).toEqual([refused, 'done', refused]);
    await expect(loadModel(unknown, SMALL)).rejects.toThrow('"pilotwhale"');
  });

  it('is named if its file is incomplete, with the reason of the library', async () => {
    const file = join(folder, 'incomplete.gguf');
    await writeGguf(file, { ...shapeOf('llama'), ...sentencePiece(['<unk>', ...BYTE_TOKENS]) }, [
      tensor('token_embd.weight', HIDDEN, 257),
    ]);
    await expect(loadModel(file, SMALL)).rejects.toMatchObject({
      code: 'model-load-failed',
      message: expect.stringMatching(/output_norm|attn_norm|missing/),
    });
    await loads(path);
  });
});

describe('a file that is not a whole model', () => {
  let bytes: Buffer;
  let count = 0;

  beforeAll(async () => {
    bytes = await readFile(path);
  });

  const loadBytes = async (content: Uint8Array): Promise<string> => {
    count += 1;
    const file = join(folder, `broken-${count}.gguf`);
    await writeFile(file, content);
    return await codeOf(loads(file));
  };

  it('is refused if there is no file, or a folder', async () => {
    expect(await codeOf(loadModel(join(folder, 'nothing.gguf')))).toBe('model-file-missing');
    expect(await codeOf(loadModel(folder))).toBe('model-file-missing');
  });

  it.skipIf(!existsSync('/proc/self/mem'))('names a file that cannot be read', async () => {
    expect(await codeOf(loadModel('/proc/self/mem'))).toBe('file-system-failed');
  });

  it.each(['', 'GGU', 'gguf is something else', '{"not": "a model"}'])(
    'is refused as no GGUF: %j',
    async (content) => {
      expect(await loadBytes(Buffer.from(content))).toBe('model-file-invalid');
    },
  );

  it.each([4, 5, 8, 12, 20, 24, 30, 60, 100, 500, 1000, 4000, 5500])(
    'is refused if its header ends after %i bytes',
    async (length) => {
      expect(length).toBeLessThan(bytes.lastIndexOf('output.weight'));
      expect(await loadBytes(bytes.subarray(0, length))).toBe('model-file-truncated');
    },
  );

  it('is refused if its weights end early, by a byte or by more', async () => {
    const dataStart = bytes.lastIndexOf('output.weight') + 100;
    const lengths = [dataStart, dataStart + 5000, bytes.length / 2, bytes.length - 1];
    for (const length of lengths) {
      expect(await loadBytes(bytes.subarray(0, length))).toBe('model-file-truncated');
    }
    expect(await loadBytes(bytes)).toBe('done');
  });
});

describe('loading', () => {
  it('fails with the error of its progress listener, and does not end the process', async () => {
    const onProgress = (): never => {
      throw new Error('the listener threw');
    };
    await expect(loadModel(path, { ...SMALL, onProgress })).rejects.toThrow('the listener threw');
    await loads(path);
  });

  it('reports its progress, from little to all', async () => {
    const seen: number[] = [];
    await using model = await loadModel(path, {
      ...SMALL,
      onProgress: ({ done }) => seen.push(done),
    });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(model.facts.name).toBe('random-3');
  });

  it('ends if it is cancelled before, half way or while others load', async () => {
    expect(await codeOf(loadModel(path, { ...SMALL, signal: AbortSignal.abort() }))).toBe(
      'aborted',
    );
    const halfway = new AbortController();
    const waiting = new AbortController();
    const others: Promise<string>[] = [];
    const onProgress = (): void => {
      if (others.length > 0) return;
      others.push(codeOf(loadModel(path, { ...SMALL, signal: waiting.signal })));
      others.push(codeOf(loads(path)));
      waiting.abort();
      halfway.abort();
    };
    const options = { ...SMALL, signal: halfway.signal, onProgress };
    expect(await codeOf(loadModel(path, options))).toBe('aborted');
    expect(await Promise.all(others)).toEqual(['aborted', 'done']);
  });
});

describe('a closed model', () => {
  it('may be closed again, simultaneously and later', async () => {
    const model = await loadModel(path, SMALL);
    await Promise.all([model[Symbol.asyncDispose](), model[Symbol.asyncDispose]()]);
    await model[Symbol.asyncDispose]();
  });

  it('refuses all calls that would read native memory, and keeps the values already read', async () => {
    const model = await loadModel(path, SMALL);
    const { vocabulary } = model;
    const sequence = model.openSequence();
    const known = vocabulary.tokenBytes(tokenId(65));
    const size = vocabulary.size;
    await model[Symbol.asyncDispose]();
    const disposed = { code: 'disposed' };
    const thrownBy = (work: () => unknown): unknown => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    };
    expect(thrownBy(() => vocabulary.tokenize('text'))).toMatchObject(disposed);
    expect(thrownBy(() => vocabulary.tokenBytes(tokenId(66)))).toMatchObject(disposed);
    expect(thrownBy(() => vocabulary.tokenString(tokenId(66)))).toMatchObject(disposed);
    expect(thrownBy(() => vocabulary.isEndOfGeneration(tokenId(66)))).toMatchObject(disposed);
    expect(thrownBy(() => vocabulary.endOfGenerationIds())).toMatchObject(disposed);
    expect(thrownBy(() => model.openSequence())).toMatchObject(disposed);
    await expect(sequence.forward(request(model, 1))).rejects.toMatchObject(disposed);
    await expect(sequence.fork()).rejects.toMatchObject(disposed);
    expect(vocabulary.tokenBytes(tokenId(65))).toEqual(known);
    expect(vocabulary.size).toBe(size);
    expect(vocabulary.renderChat([{ role: 'user', content: 'hi' }])).toContain('hi');
    await sequence[Symbol.asyncDispose]();
  });

  it('fails forwards that are under way, and closes after them', async () => {
    const model = await loadModel(path, SMALL);
    const outcomes = Array.from({ length: 4 }, () =>
      codeOf(model.openSequence().forward(request(model, 16))),
    );
    await model[Symbol.asyncDispose]();
    for (const code of await Promise.all(outcomes)) expect(['done', 'disposed']).toContain(code);
  });
});

describe('a file with an impossible number of layers', () => {
  it.each([0, 513])('of %d is refused before the library sees it', async (layerCount) => {
    const file = join(folder, `layers-${layerCount}.gguf`);
    await writeRandomModel(file, { seed: 1, layerCount, hiddenSize: 8 });
    expect(await codeOf(loadModel(file, SMALL))).toBe('model-file-invalid');
  });
});
