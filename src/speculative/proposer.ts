/** The source of drafts. A proposer also decides whether, and how far, drafting pays. */
import type { Origin } from '../core/events.ts';
import type { TokenId } from '../core/token-id.ts';

export interface Draft {
  readonly tokens: readonly TokenId[];
  readonly origin: Origin;
  /**
   * [tokens.length][vocabularySize] the distributions that the tokens were drawn from, if rejection
   * sampling needs them. Null for a draft that was not drawn: all mass lies on its token.
   */
  readonly distributions: readonly Float64Array[] | null;
}

export interface ProposeRequest {
  /** Prompt and committed tokens. */
  readonly text: readonly TokenId[];
  /** The most tokens to propose; may be 0. */
  readonly lengthMax: number;
}

export interface Proposer {
  /** Null declines: there is nothing to propose, or proposing would not pay. It is never an error. */
  propose(request: ProposeRequest): Promise<Draft | null>;
  /** Learns from a verified draft. */
  observe(draft: Draft, acceptedCount: number): void;
  /** One line for the summary about its drafts. */
  note(): string;
}

/** The length of drafts: chosen by cost and acceptance, or fixed by the user. */
export type DraftLengthChoice = 'auto' | number;
