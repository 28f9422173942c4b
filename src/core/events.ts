/**
 * The two kinds of events that are the only source of truth about a run, and the two lines that
 * frame its log. Streams, usage, costs, colours, reports and training labels are folds over these
 * events; nothing keeps a second count. A log is one JSON object per line: `start`, then `token`
 * and `work` events in the order in which they happened, then `summary`.
 */
import type { FinishReason } from './finish-reason.ts';
import type { ModelId, ModelLabels, ModelRole, ModelsById } from './model-id.ts';
import type { SamplingParams } from './sampling-params.ts';
import type { TokenId } from './token-id.ts';
import type { Unit } from './unit.ts';

/** The proposer of an emitted token. */
export type Origin = ModelRole | 'prompt-lookup';

/** One emitted token. End-of-generation tokens are events too, with empty text, and they count. */
export interface TokenEvent {
  readonly type: 'token';
  /** 0-based place in the answer. */
  readonly index: number;
  readonly tokenId: TokenId;
  /**
   * The text this token releases. May be empty (an unfinished UTF-8 character or a possible stop
   * string is held back) and may carry text that earlier tokens held back. The texts of all tokens,
   * concatenated, are the answer.
   */
  readonly text: string;
  readonly origin: Origin;
  /** True if the large model checked this token and would have written the same. */
  readonly verified: boolean;
  /**
   * Present if the large model was to check or write this token of the small one, and was away. Absent in
   * all other tokens.
   */
  readonly isOffline?: true;
  /** The small model's proposal, if the large model wrote another token in its place. */
  readonly proposedTokenId: TokenId | null;
  /** The gate's score of the proposal (entropy in nats, margin, coin, …). */
  readonly score: number | null;
  /** Natural log-probability under the writer, or under the target if verified; never invented. */
  readonly logprob: number | null;
  /** 0-based round of the engine's loop that committed this token. */
  readonly round: number;
  /** Time since the request was accepted. */
  readonly elapsedMs: number;
}

/**
 * The purpose of a forward. A forward may also feed tokens that its model missed: they are its rows
 * without outputs.
 */
export type WorkPurpose =
  | 'prefill'
  | 'draft'
  | 'verify'
  | 'route'
  | 'reward'
  | 'correct'
  | 'catch-up';

/** One or several forwards of one model for one request. */
export interface WorkEvent {
  readonly type: 'work';
  readonly model: ModelId;
  readonly purpose: WorkPurpose;
  /**
   * Rows (tokens processed) of each forward; its length is the number of forwards. They are counted
   * as if the request were alone: a forward that shared a native batch counts in full.
   */
  readonly rowCounts: readonly number[];
  /** The number of these rows that went through the output head. */
  readonly outputRowCount: number;
  /** Rows that the prefix cache saved: tokens that were already read for an earlier request. */
  readonly reusedRowCount: number;
  /** Time spent waiting for the model or the compute device. */
  readonly waitedMs: number;
  /** Native compute time: the batch's time x own rows / all rows. */
  readonly computeMs: number;
  /** Bytes over a link; 0 for a local model. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** What the server of the model bills; absent: a model whose rows count. */
  readonly billed?: BilledTokens;
}

/** The tokens of calls to a server, as it bills them. */
export interface BilledTokens {
  readonly callCount: number;
  readonly inputCount: number;
  /** The input tokens that its cache held, as far as it says so. */
  readonly cachedCount: number;
  readonly outputCount: number;
}

/**
 * What is drafted of the next tokens while no verdict has fallen. Only requests that want drafts have
 * these events; nothing counts them. Each replaces the one before, and so does every token.
 */
export interface DraftEvent {
  readonly type: 'draft';
  /** All that is drafted now; empty: the draft was rejected. */
  readonly text: string;
  /** The round of the engine's loop that decides about it. */
  readonly round: number;
  readonly elapsedMs: number;
}

/** Parameter counts by cost: every row reads the body, only output rows use the head. */
export interface ParameterCounts {
  readonly body: number;
  readonly outputHead: number;
}

/** The prices of a model's tokens, in any currency. */
export interface TokenPrices {
  /** Per million rows processed, prefill and catch-up included; of a server: per million input tokens. */
  readonly inputPerMillion: number;
  /** Per million tokens written or scored. */
  readonly outputPerMillion: number;
  /** Per million input tokens that a server's cache held; default: as all input tokens. */
  readonly cachedInputPerMillion?: number | undefined;
  /** The day on which they held, as 2026-11-30. */
  readonly asOf?: string | undefined;
}

/**
 * The facts from which the costs and predicted times of a model's work are computed. Unknown sizes,
 * such as those of a model behind an API, are 0.
 */
export interface ModelCostFacts {
  readonly name: string;
  readonly parameterCounts: ParameterCounts;
  /** Bytes of weights that one forward reads (an untied embedding table is only looked up). */
  readonly weightBytes: number;
  /**
   * Bytes of keys and values of one token in all layers. A forward reads them for every cached
   * token.
   */
  readonly kvBytesPerToken: number;
  /** Rows of a prefill chunk, at least 1: with the prompt length they give the large-only costs. */
  readonly prefillChunkRowCount: number;
  /** Null: the user gave no prices. */
  readonly prices: TokenPrices | null;
  /** Present if a server bills its calls. */
  readonly isBilled?: true;
}

/** The kinds of grammars that a request may ask for. */
export type GrammarKind = 'json-schema' | 'json' | 'gbnf' | 'regex';

/** The version of the logs that runs write now. Version 1 had no version and two fixed models. */
export const LOG_VERSION = 2;

/** The first line of a log: everything that is needed to recompute the summary. */
export interface StartEvent extends ModelsById<ModelCostFacts> {
  readonly type: 'start';
  readonly version: typeof LOG_VERSION;
  /** Every model of the engine, and possibly a model that only serves to compare costs. */
  readonly models: Readonly<Record<ModelId, ModelCostFacts>>;
  /** The model of each label. Cost ratios are relative to the model labelled `large`. */
  readonly labels: ModelLabels;
  readonly strategy: string;
  /**
   * The unit that the strategy decides about. Absent: it decides nothing, or an earlier version wrote
   * the log.
   */
  readonly unit?: Unit;
  readonly thresholds: Readonly<Record<string, number>>;
  readonly sampling: SamplingParams;
  readonly seed: number;
  /** The kind of grammar that the answer keeps to; absent: none. */
  readonly grammar?: GrammarKind;
  readonly promptTokenCount: number;
  readonly maxTokens: number;
  readonly contextLength: number;
}

/** The work of one model in a run, and its cost. */
export interface ModelCost {
  readonly forwardCount: number;
  readonly rowCount: number;
  readonly outputRowCount: number;
  /** Tokens that it wrote, also drafts that were discarded. Rows that score a given text write none. */
  readonly writtenTokenCount: number;
  readonly reusedRowCount: number;
  /** Null if no server bills it. */
  readonly billed: BilledTokens | null;
  readonly weightTrafficBytes: number;
  readonly writtenFlops: number;
  readonly generatedFlops: number;
  readonly processedFlops: number;
  /** Null if the model has no prices. */
  readonly price: number | null;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly computeMs: number;
  readonly waitedMs: number;
}

/**
 * The cost of a run, as `accounting/run-cost.ts` folds it from the log. Amounts are sums over all
 * models; ratios are to the large model alone.
 */
export interface RunCost {
  /** Each model of the run by itself. */
  readonly models: Readonly<Record<ModelId, ModelCost>>;
  readonly tokenCount: number;
  /** Emitted tokens with origin `large` / all emitted tokens. */
  readonly largeShare: number;
  /** Emitted tokens that the large model verified / all emitted tokens. */
  readonly verifiedShare: number;
  /** The steps of the answer; null unless the strategy decides about steps. */
  readonly stepCount: number | null;
  /** Steps that the large model wrote / all steps; null unless the strategy decides about steps. */
  readonly rejectedShare: number | null;
  /** All forwards of the model labelled `small` or `large`, prefill included; 0 without one. */
  readonly smallForwards: number;
  readonly largeForwards: number;
  /** Sum over the models of forwards x weight bytes. */
  readonly weightTrafficBytes: number;
  /** 2·N per token a model wrote, discarded drafts included. */
  readonly writtenFlops: number;
  /** 2·N per token a model wrote or scored. */
  readonly generatedFlops: number;
  /** 2·N per row processed, the output head for output rows only. */
  readonly processedFlops: number;
  /**
   * Each ratio is relative to the cost of the large model alone for the same tokens: one prefill of
   * the same prompt, without the `reusedRowCount` tokens that its cache would have held as well,
   * then one forward per emitted token. Null if there is no large model.
   */
  readonly weightTrafficRatio: number | null;
  readonly writtenFlopsRatio: number | null;
  readonly generatedFlopsRatio: number | null;
  readonly processedFlopsRatio: number | null;
  /**
   * In the currency of the prices. A model without prices adds nothing. Null if no model has
   * prices.
   */
  readonly price: number | null;
  readonly priceRatio: number | null;
  readonly linkBytesUp: number;
  readonly linkBytesDown: number;
  /** Prompt rows that the prefix cache saved: the larger number of the two models of the pair. */
  readonly reusedRowCount: number;
  readonly computeMs: number;
  readonly waitedMs: number;
}

/** The last line of a log. */
export interface SummaryEvent extends RunCost {
  readonly type: 'summary';
  /**
   * The share that the strategy was asked to give to the large model: of tokens, beside the `largeShare`
   * that it gave, or of steps, beside the `rejectedShare`; absent: no share was asked for.
   */
  readonly askedShare?: number;
  readonly text: string;
  readonly finishReason: FinishReason;
  /**
   * Wall time until the end of the request and until its first emitted token; null if no token was
   * emitted.
   */
  readonly elapsedMs: number;
  readonly firstTokenMs: number | null;
  /** The time that the request waited for room in the KV caches, as a part of the wall time. */
  readonly queuedMs: number;
  /** Facts that a strategy reports: draft lengths, acceptance, why it is off. */
  readonly notes: readonly string[];
}

export type EngineEvent = StartEvent | TokenEvent | WorkEvent | DraftEvent | SummaryEvent;
