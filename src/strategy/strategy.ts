/**
 * A strategy decides the next tokens. It owns no text, no cache and no stream. The engine's loop calls
 * `round` (propose and judge), then commits and emits the decisions, until the request ends. So all
 * strategies share limits, stop strings, rollback, accounting and cancellation.
 */
import type { Origin } from '../core/events.ts';
import type { ModelLabel } from '../core/model-id.ts';
import type { RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import type { HeadUnit } from '../judging/calibration.ts';
import type { GateContext } from '../judging/gate.ts';
import type { RewardContext } from '../judging/step-reward.ts';
import type { SessionNeeds } from '../session/capabilities.ts';
import type { Session } from '../session/session.ts';

/** One token of a verdict: the token to commit, and the reason. */
export interface Decision {
  readonly tokenId: TokenId;
  readonly origin: Origin;
  readonly verified: boolean;
  /** As in `TokenEvent`. */
  readonly isOffline?: true;
  /** As in `RowResult`: the answer ends behind it. */
  readonly isCut?: true;
  readonly proposedTokenId: TokenId | null;
  readonly score: number | null;
  readonly logprob: number | null;
}

export interface Round {
  /** Prompt and committed tokens. */
  readonly text: readonly TokenId[];
  /** The number of tokens that may still be committed: at least 1. The loop drops further decisions. */
  readonly tokenCountMax: number;
}

/** The means of a strategy for one request. */
export interface StrategyContext extends GateContext, RewardContext {
  /** The request's session of the model with this label. It is opened at the first call. */
  session(label: ModelLabel): Session;
  /** The values that the request wants of every token that it emits. */
  readonly tokenReads: RowReads;
  /** The temperature of the request's draws; 0: it is greedy. */
  readonly temperature: number;
  /** Whether a token ends the answer. */
  isEndOfGeneration(id: TokenId): boolean;
  /** The final answer that a text states, in a form that is equal for equal answers; null: none. */
  finalAnswer(text: string): string | null;
  /** Texts that end the answer. Writing on after one is in vain. */
  readonly stops: readonly string[];
  /**
   * Shows a draft before its verdict: all of its tokens so far, or none if it was rejected. Absent:
   * nobody wants to see it.
   */
  readonly showDraft?: ((tokens: readonly TokenId[]) => void) | undefined;
  /**
   * Returns the beginning of a draft that the request's grammar allows; absent: there is no grammar. A
   * model's drafts need no cutting, because its rows are masked.
   */
  readonly allowedDraft?: AllowedDraft | undefined;
}

export type AllowedDraft = (
  text: readonly TokenId[],
  draft: readonly TokenId[],
) => Promise<readonly TokenId[]>;

/** A strategy at work on one request. */
export interface Decoder {
  /**
   * Decides the next tokens, at least one. Cutting them off anywhere leaves a valid state. A round runs
   * once: if a cache is full or cells are taken, the affected session repeats its own forward. So a
   * round may pay for its calls, and a decoder may keep a state.
   */
  round(round: Round): Promise<readonly Decision[]>;
  /** Facts for the summary, in words. */
  notes?(): readonly string[];
}

/** The labels of the models that a strategy uses, with its needs of each. */
export type StrategyNeeds = Readonly<Partial<Record<ModelLabel, SessionNeeds>>>;

/** A share that a user asked the large model for: of tokens by a router, of steps by a reward. */
export interface AskedShare {
  /** From 0 to 1. */
  readonly share: number;
  readonly unit: HeadUnit;
  /** The questions of the calibration that the share comes from, in words. */
  readonly on: string;
}

export interface Strategy {
  readonly name: string;
  /** The share that it was asked to give to the large model; absent: none. */
  readonly askedShare?: AskedShare;
  readonly needs: StrategyNeeds;
  readonly thresholds: Readonly<Record<string, number>>;
  begin(context: StrategyContext): Decoder;
}
