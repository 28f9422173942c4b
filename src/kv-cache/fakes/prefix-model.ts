/** A scripted model whose rows depend on the whole text before them, and helpers to feed it. */
import { required } from '../../core/invariant.ts';
import type { RowProgram } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../core/token-id.ts';
import type { Sequence } from '../../model/roles.ts';
import { ScriptedModel, type ScriptedModelOptions } from '../../model/scripted/scripted-model.ts';

const VOCABULARY_SIZE = 29;

export const PROGRAM: RowProgram = {
  vocabularySize: VOCABULARY_SIZE,
  sampling: GREEDY,
  seed: 0,
  purpose: 'sample',
};

/** The model's choice after a text. */
export function choiceBehind(text: readonly number[]): number {
  return text.reduce((hash, token) => (hash * 31 + token + 1) % 1_000_003, 7) % VOCABULARY_SIZE;
}

export function prefixModel(options: Partial<ScriptedModelOptions> = {}): ScriptedModel {
  return new ScriptedModel({
    tokens: Array.from({ length: VOCABULARY_SIZE }, (_, id) => `<${id}>`),
    next: (prefix) => {
      const chosen = choiceBehind(prefix);
      return Array.from({ length: VOCABULARY_SIZE }, (_, id) => (id === chosen ? 1 : 0));
    },
    contextLength: 1000,
    rowCountMax: 64,
    ...options,
  });
}

/** Feeds the unread part of a text. @returns the model's choice after it */
export async function read(sequence: Sequence, text: readonly number[]): Promise<TokenId> {
  const tokens = tokenIds(text.slice(sequence.length));
  const request = { tokens, outputFrom: tokens.length - 1, program: PROGRAM };
  const { rows } = await sequence.forward(request);
  return required(rows[0], 'one output row').tokenId;
}
