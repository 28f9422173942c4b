/**
 * A strategy decides what the next tokens are; it owns no text, no cache and no stream. The engine's
 * loop calls `round` (propose and judge), then commits and emits what came back, until the request
 * ends. So every strategy shares limits, stop strings, rollback, accounting and cancellation.
 */
import type { Draws } from '../core/draws.ts';
import type { ModelRole, Origin } from '../core/events.ts';
import type { RowProgram } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { LocalSession } from '../session/local-session.ts';

/** One token of a verdict: what to commit, and why. */
export interface Decision {
  readonly tokenId: TokenId;
  readonly origin: Origin;
  readonly verified: boolean;
  readonly proposedTokenId: TokenId | null;
  readonly score: number | null;
  readonly logprob: number | null;
}

export interface Round {
  /** Prompt and committed tokens. */
  readonly text: readonly TokenId[];
  /** Tokens that may still be committed: at least 1. More decisions are cut off by the loop. */
  readonly tokenCountMax: number;
}

/** What a strategy may use for one request. */
export interface StrategyContext {
  /** The model's sequence for this request; opened at its first use. */
  sequence(role: ModelRole): LocalSession;
  readonly draws: Draws;
  /** The request's sampling as a row program, to be extended with what a method needs. */
  readonly program: RowProgram;
  /**
   * The beginning of a draft that the request's grammar allows; absent: there is no grammar. Drafts
   * of a model need no cutting: its own rows are masked.
   */
  readonly allowedDraft?: (
    text: readonly TokenId[],
    draft: readonly TokenId[],
    signal: AbortSignal | undefined,
  ) => Promise<readonly TokenId[]>;
  /** An end-of-generation token of either model. */
  isEndOfGeneration(id: TokenId): boolean;
}

/** A strategy at work on one request. */
export interface Decoder {
  /** The next tokens, at least one. Cutting them off anywhere leaves a valid state. */
  round(round: Round, signal: AbortSignal): Promise<readonly Decision[]>;
  /** Facts for the summary, in words. */
  notes?(): readonly string[];
}

export interface Strategy {
  readonly name: string;
  readonly needs: readonly ModelRole[];
  readonly thresholds: Readonly<Record<string, number>>;
  begin(context: StrategyContext): Decoder;
}
