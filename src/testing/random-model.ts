/**
 * A tiny Llama-shaped model with random weights and a byte-level vocabulary, written as GGUF: enough
 * for llama.cpp to exercise layout, batching, rollback and hidden states, with nothing downloaded.
 * The output head is scaled up so that near-ties are rare.
 */
import { noiseKey, noiseUniform } from '../core/noise.ts';
import { type GgufTensor, type GgufValue, writeGguf } from './gguf-writer.ts';

export interface RandomModelOptions {
  readonly seed: number;
  /**
   * A second seed whose weights are mixed in: two models of one seed and different perturbations
   * agree on some tokens and not on others, like a real pair.
   */
  readonly perturbation?: { readonly seed: number; readonly scale: number };
  readonly layerCount?: number;
  readonly hiddenSize?: number;
  /** Extra tokens at the end, to give two models different vocabularies. */
  readonly extraTokens?: readonly string[];
  /** Control and user-defined tokens behind those. */
  readonly controlTokens?: readonly string[];
  readonly userDefinedTokens?: readonly string[];
  /** Default `random-SEED`. The library strips white space behind the special tokens of `phi-3`. */
  readonly name?: string;
  /** Default `llama`. Any other value makes a file that the library refuses. */
  readonly architecture?: string;
  /** Default `byte-level` (as in GPT-2 and Qwen); `sentencepiece` falls back to bytes (Llama 2, Gemma). */
  readonly tokenizer?: 'byte-level' | 'sentencepiece';
  /** Prompts begin with `<s>` (SentencePiece). Default false. */
  readonly addsStart?: boolean;
  /** A space is put before texts (SentencePiece, Llama 2). Default false. */
  readonly addsSpace?: boolean;
  readonly chatTemplate?: string | null;
  readonly contextLength?: number;
  /**
   * Writes the model in this number of files, as llama.cpp splits them; the path is that of the first,
   * NAME-00001-of-00003.gguf. Default 1.
   */
  readonly partCount?: number;
  /** The scale of the output head. A larger value makes the model surer. */
  readonly headScale?: number;
}

const HEAD_COUNT = 4;
const KV_HEAD_COUNT = 2;
const NORM_EPSILON = 1e-5;
const TOKEN_NORMAL = 1;
const TOKEN_CONTROL = 3;

const SPECIAL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const;
const MERGES = ['t h', 'i n', 'th e', 'a n', 'Ġ a', 'Ġ the', 'e r', 'o n'] as const;

const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + " +
  "message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

export async function writeRandomModel(path: string, options: RandomModelOptions): Promise<void> {
  const shape = {
    hidden: options.hiddenSize ?? 64,
    layers: options.layerCount ?? 2,
    vocabulary: vocabulary(options),
  };
  const facts = metadata(options, shape);
  const tensors = weights(options, shape);
  const { partCount = 1 } = options;
  if (partCount === 1) return await writeGguf(path, facts, tensors);
  const each = Math.ceil(tensors.length / partCount);
  for (let part = 0; part < partCount; part += 1) {
    const split: Record<string, GgufValue> = {
      'split.no': { type: 'uint16', value: part },
      'split.count': { type: 'uint16', value: partCount },
      'split.tensors.count': { type: 'int32', value: tensors.length },
    };
    await writeGguf(
      path.replace('-00001-of-', `-${String(part + 1).padStart(5, '0')}-of-`),
      part === 0 ? { ...facts, ...split } : split,
      tensors.slice(part * each, (part + 1) * each),
    );
  }
}

interface Shape {
  readonly hidden: number;
  readonly layers: number;
  readonly vocabulary: readonly string[];
}

function vocabulary(options: RandomModelOptions): readonly string[] {
  const { extraTokens = [], controlTokens = [], userDefinedTokens = [] } = options;
  const extra = [...extraTokens, ...controlTokens, ...userDefinedTokens];
  if (options.tokenizer === 'sentencepiece') return [...SENTENCEPIECE_TOKENS, ...extra];
  const merged = MERGES.map((merge) => merge.replace(' ', ''));
  return [...byteTokens(), ...merged, ...SPECIAL_TOKENS, ...extra];
}

/** The special tokens, then a token for every byte, then pieces; ▁ stands for a space. */
const SENTENCEPIECE_TOKENS: readonly string[] = [
  ...['<unk>', '<s>', '</s>'],
  ...Array.from({ length: 256 }, (_, byte) => {
    return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
  }),
  ...['▁', ...'abcdefghijklmnopqrstuvwxyz0123456789{}[]":,.-'],
  ...['▁the', '▁a', 'in', 'er', '":', '▁"', '",', 'é', '日'],
];
const TOKEN_UNKNOWN = 2;
const TOKEN_USER_DEFINED = 4;
const TOKEN_BYTE = 6;

/** The types of tokens; `special` are the control tokens of every such vocabulary. */
function tokenTypes(
  tokens: readonly string[],
  { controlTokens = [], userDefinedTokens = [] }: RandomModelOptions,
  special: readonly string[],
): readonly number[] {
  const control = new Set([...special, ...controlTokens]);
  const userDefined = new Set(userDefinedTokens);
  return tokens.map((token) => {
    if (control.has(token)) return TOKEN_CONTROL;
    if (userDefined.has(token)) return TOKEN_USER_DEFINED;
    return /^<0x..>$/.test(token) ? TOKEN_BYTE : TOKEN_NORMAL;
  });
}

function sentencePieceMetadata(
  tokens: readonly string[],
  options: RandomModelOptions,
): Record<string, GgufValue> {
  const types = [...tokenTypes(tokens, options, ['<s>', '</s>'])];
  types[tokens.indexOf('<unk>')] = TOKEN_UNKNOWN;
  return {
    'tokenizer.ggml.model': { type: 'string', value: 'llama' },
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.scores': { type: 'float32s', value: tokens.map((_, id) => -id) },
    'tokenizer.ggml.token_type': { type: 'int32s', value: types },
    'tokenizer.ggml.bos_token_id': { type: 'uint32', value: tokens.indexOf('<s>') },
    'tokenizer.ggml.eos_token_id': { type: 'uint32', value: tokens.indexOf('</s>') },
    'tokenizer.ggml.unknown_token_id': { type: 'uint32', value: tokens.indexOf('<unk>') },
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: options.addsStart ?? false },
    'tokenizer.ggml.add_space_prefix': { type: 'bool', value: options.addsSpace ?? false },
  };
}

/** The printable stand-ins of byte-level BPE for the 256 bytes, in byte order. */
function byteTokens(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => {
    const codePoint = printable(byte) ? byte : next;
    if (!printable(byte)) next += 1;
    return String.fromCodePoint(codePoint);
  });
}

function metadata(
  options: RandomModelOptions,
  { hidden, layers, vocabulary: tokens }: Shape,
): Record<string, GgufValue> {
  const architecture = options.architecture ?? 'llama';
  const number = (value: number): GgufValue => ({ type: 'uint32', value });
  const text = (value: string): GgufValue => ({ type: 'string', value });
  const template = options.chatTemplate === undefined ? CHAT_TEMPLATE : options.chatTemplate;
  return {
    'general.architecture': text(architecture),
    'general.name': text(options.name ?? `random-${options.seed}`),
    [`${architecture}.context_length`]: number(options.contextLength ?? 2048),
    [`${architecture}.embedding_length`]: number(hidden),
    [`${architecture}.block_count`]: number(layers),
    [`${architecture}.feed_forward_length`]: number(hidden * 2),
    [`${architecture}.attention.head_count`]: number(HEAD_COUNT),
    [`${architecture}.attention.head_count_kv`]: number(KV_HEAD_COUNT),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: { type: 'float32', value: NORM_EPSILON },
    [`${architecture}.rope.dimension_count`]: number(hidden / HEAD_COUNT),
    [`${architecture}.vocab_size`]: number(tokens.length),
    ...(options.tokenizer === 'sentencepiece'
      ? sentencePieceMetadata(tokens, options)
      : byteLevelMetadata(tokens, options)),
    ...(template === null ? {} : { 'tokenizer.chat_template': text(template) }),
  };
}

function byteLevelMetadata(
  tokens: readonly string[],
  options: RandomModelOptions,
): Record<string, GgufValue> {
  const number = (value: number): GgufValue => ({ type: 'uint32', value });
  const text = (value: string): GgufValue => ({ type: 'string', value });
  return {
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('qwen2'),
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.token_type': {
      type: 'int32s',
      value: tokenTypes(tokens, options, SPECIAL_TOKENS),
    },
    'tokenizer.ggml.merges': { type: 'strings', value: MERGES },
    'tokenizer.ggml.eos_token_id': number(tokens.indexOf('<|im_end|>')),
    'tokenizer.ggml.add_bos_token': { type: 'bool', value: false },
  };
}

function weights(options: RandomModelOptions, shape: Shape): GgufTensor[] {
  const { hidden, layers, vocabulary: tokens } = shape;
  const kv = (hidden / HEAD_COUNT) * KV_HEAD_COUNT;
  const tensors: GgufTensor[] = [];
  const add = (name: string, dimensions: readonly number[], scale: number): void => {
    tensors.push({
      name,
      shape: dimensions,
      data: randomTensor(options, tensors.length, dimensions, scale),
    });
  };
  const norm = (name: string): void => {
    tensors.push({ name, shape: [hidden], data: new Float32Array(hidden).fill(1) });
  };
  const inner = 1 / Math.sqrt(hidden);
  add('token_embd.weight', [hidden, tokens.length], 1);
  for (let layer = 0; layer < layers; layer += 1) {
    const block = `blk.${layer}`;
    norm(`${block}.attn_norm.weight`);
    // Sharper attention than a usual initialisation gives, so that the context decides the token.
    add(`${block}.attn_q.weight`, [hidden, hidden], inner * 2);
    add(`${block}.attn_k.weight`, [hidden, kv], inner * 2);
    add(`${block}.attn_v.weight`, [hidden, kv], inner * 2);
    add(`${block}.attn_output.weight`, [hidden, hidden], inner * 2);
    norm(`${block}.ffn_norm.weight`);
    add(`${block}.ffn_gate.weight`, [hidden, hidden * 2], inner);
    add(`${block}.ffn_up.weight`, [hidden, hidden * 2], inner);
    add(`${block}.ffn_down.weight`, [hidden * 2, hidden], inner);
  }
  norm('output_norm.weight');
  add('output.weight', [hidden, tokens.length], inner * (options.headScale ?? 4));
  return tensors;
}

function randomTensor(
  { seed, perturbation }: RandomModelOptions,
  index: number,
  dimensions: readonly number[],
  scale: number,
): Float32Array {
  const length = dimensions.reduce((product, size) => product * size, 1);
  const data = new Float32Array(length);
  const mixed = perturbation ?? { seed: 0, scale: 0 };
  const total = Math.sqrt(1 + mixed.scale ** 2);
  for (let element = 0; element < length; element += 1) {
    const value =
      gaussian(seed, index, element) + mixed.scale * gaussian(mixed.seed, index, element);
    data[element] = (value / total) * scale;
  }
  return data;
}

/** A standard normal number (Box-Muller). */
function gaussian(seed: number, stream: number, index: number): number {
  const key = noiseKey(seed, stream, 'sample');
  const radius = Math.sqrt(-2 * Math.log(noiseUniform(key, index * 2)));
  return radius * Math.cos(2 * Math.PI * noiseUniform(key, index * 2 + 1));
}
