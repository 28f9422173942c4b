import type { TokenId } from '../core/token-id.ts';

/** A token that structures prompts: it begins a turn, ends one, names a role. */
export interface SpecialToken {
  readonly id: TokenId;
  /** As a text spells it out. */
  readonly text: string;
  /** The model writes it as text, and the tokeniser finds it in any text: `<think>` of Qwen3. */
  readonly isUserDefined: boolean;
  /** It swallows the white space before it, or after it. */
  readonly stripsBefore: boolean;
  readonly stripsAfter: boolean;
}
