/** A small scripted model behind a row cache, with a count of the forwards that it is asked for. */
import type { RowProgram, RowResult } from '../../../core/row-program.ts';
import { GREEDY } from '../../../core/sampling-params.ts';
import { tokenIds } from '../../../core/token-id.ts';
import type { ForwardRequest, LanguageModel } from '../../roles.ts';
import { ScriptedModel, type ScriptedModelOptions } from '../../scripted/scripted-model.ts';
import { CachedModel, type CachedModelOptions } from '../cached-model.ts';
import { TrieStore } from '../trie-store.ts';

export const TOKEN_COUNT = 5;
export const PLAIN: RowProgram = {
  vocabularySize: TOKEN_COUNT,
  sampling: GREEDY,
  seed: 1,
  purpose: 'sample',
  uncertainty: true,
};

/** Its rows depend on the whole text. */
export function scripted(options: Partial<ScriptedModelOptions> = {}): ScriptedModel {
  return new ScriptedModel({
    tokens: ['a', 'b', 'c', 'd', ''],
    endOfGeneration: [4],
    next: (prefix) => {
      const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 1009, 7);
      return Array.from({ length: TOKEN_COUNT }, (_, id) => ((hash * (id + 2)) % 17) + 1);
    },
    ...options,
  });
}

const MEMORY = (): TrieStore => new TrieStore(null, { modelDigest: 'any', engine: 'any' });

export interface CountedModel {
  readonly model: CachedModel;
  readonly inner: ScriptedModel;
  /** Rows and outputs of the inner model's forwards since the last call. */
  readonly take: () => readonly (readonly [rows: number, outputs: number])[];
}

/** A caching model around a scripted one, and the forwards that reach the latter. */
export function counted(
  options: Partial<ScriptedModelOptions> = {},
  store: TrieStore = MEMORY(),
  cacheOptions: CachedModelOptions = {},
): CountedModel {
  const asked: (readonly [rows: number, outputs: number])[] = [];
  const inner = scripted({
    ...options,
    onForward: async (request, signal) => {
      await options.onForward?.(request, signal);
      asked.push([request.tokens.length, request.tokens.length - request.outputFrom]);
    },
  });
  return { model: new CachedModel(inner, store, cacheOptions), inner, take: () => asked.splice(0) };
}

export function rows(
  tokens: readonly number[],
  outputFrom = 0,
  more: Partial<ForwardRequest> = {},
): ForwardRequest {
  return { tokens: tokenIds(tokens), outputFrom, program: PLAIN, ...more };
}

/** Reads a prompt without outputs, then the tokens one by one. */
export async function say(
  model: LanguageModel,
  prompt: readonly number[],
  tokens: readonly number[],
  more: Partial<ForwardRequest> = {},
): Promise<readonly RowResult[]> {
  await using sequence = model.openSequence();
  await sequence.forward(rows(prompt, prompt.length));
  const said: RowResult[] = [];
  for (const token of tokens) said.push(...(await sequence.forward(rows([token], 0, more))).rows);
  return said;
}
