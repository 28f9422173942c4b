/**
 * Two scripted models whose rows depend on the whole text before them, and agree often but not always.
 * An engine that loses, doubles or mixes up a single token writes another text.
 */
import type { ModelRole } from '../../src/core/model-id.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import {
  ScriptedModel,
  type ScriptedModelOptions,
} from '../../src/model/scripted/scripted-model.ts';

const LETTERS = 'abcdefghijk';
const TOKENS: readonly string[] = [...LETTERS, ''];
const END = TOKENS.length - 1;
/** One text in this many ends after any token. */
const END_RARITY = 29;
/** The small model has another favourite after one text in this many. */
const DISAGREEMENT_RARITY = 3;

function hashOf(prefix: readonly TokenId[]): number {
  let hash = 7;
  for (const token of prefix) hash = (hash * 31 + token + 1) % 1_000_003;
  return hash;
}

function nextOf(role: ModelRole): (prefix: readonly TokenId[]) => number[] {
  return (prefix) => {
    const hash = hashOf(prefix);
    const isOdd = role === 'small' && hash % DISAGREEMENT_RARITY === 0;
    const favourite = hash % END_RARITY === 0 ? END : (hash + (isOdd ? 5 : 0)) % LETTERS.length;
    // Sure after some texts and not after others, so that gates decide both ways.
    const sure = (hash >> 3) % 2 === 0 ? 0.9 : 0.4;
    return TOKENS.map((_, id) => (id === favourite ? sure : (1 - sure) / (TOKENS.length - 1)));
  };
}

export function scriptedModel(
  role: ModelRole,
  options: Partial<ScriptedModelOptions> = {},
): ScriptedModel {
  return new ScriptedModel({
    name: role,
    tokens: TOKENS,
    endOfGeneration: [END],
    next: nextOf(role),
    ...options,
  });
}
