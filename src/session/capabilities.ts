/** The capabilities of the model behind a session, and the needs of a strategy. Pure. */
import { ALL_READS, missingRead, type RowReads } from '../core/row-reads.ts';

export interface SessionCapabilities {
  /** Values that rows can have beside their tokens. */
  readonly reads: RowReads;
  /** The most rows of one call. 0: the model writes on, but gives no rows of a given text. */
  readonly outputRowCountMax: number;
  /**
   * The largest top-k with which draws share the noise, and rows have whole distributions, of a model that
   * has neither with other parameters; absent: the parameters do not matter.
   */
  readonly exactTopK?: number | undefined;
  /**
   * Whether rows follow the request's seed, with noise that all models of the request share. (A model
   * elsewhere may draw otherwise what it writes on alone.)
   */
  readonly sharesNoise: boolean;
  /** Whether a grammar of this request can constrain the model's text. */
  readonly keepsGrammar: boolean;
  /** Whether the model judges drafts where it runs. */
  readonly givesVerdicts: boolean;
  /** Whether it writes on where a text stands; if not, it begins every answer anew. */
  readonly continuesTexts: boolean;
  /** The form of texts that the model takes. A model that takes only text reads the tokens' text. */
  readonly input: 'token-ids' | 'text';
}

/** A model that this process runs can do everything. */
export const LOCAL_CAPABILITIES: SessionCapabilities = {
  reads: ALL_READS,
  outputRowCountMax: Number.POSITIVE_INFINITY,
  sharesNoise: true,
  keepsGrammar: true,
  // Its rows are at hand: the strategy judges by them.
  givesVerdicts: false,
  continuesTexts: true,
  input: 'token-ids',
};

/** The needs of a strategy of one model. An absent value is not needed. */
export interface SessionNeeds {
  readonly reads?: RowReads | undefined;
  /** The rows of one call; 0 or absent if writing on is enough. */
  readonly outputRowCount?: number | undefined;
  readonly sharesNoise?: boolean | undefined;
  /** Whether its rows only serve verdicts on drafts: a model that gives verdicts needs none of them. */
  readonly verdicts?: boolean | undefined;
  /** Whether the model must take token ids, because it might cut a text into other tokens. */
  readonly tokenIds?: boolean | undefined;
  readonly keepsGrammar?: boolean | undefined;
  /** Whether it writes on in the middle of an answer. */
  readonly continues?: boolean | undefined;
  /** The branches that are open at once beside the session itself, and the tokens that each may add. */
  readonly branches?: { readonly count: number; readonly tokenCountMax: number } | undefined;
}

/** Names a missing capability, as in "it gives no hidden states"; null if none is missing. */
export function missingCapability(needs: SessionNeeds, has: SessionCapabilities): string | null {
  const isJudge = needs.verdicts === true && has.givesVerdicts;
  return (isJudge ? null : missingRows(needs, has)) ?? missingManner(needs, has);
}

function missingRows(
  { reads = {}, outputRowCount = 0 }: SessionNeeds,
  has: SessionCapabilities,
): string | null {
  const missing = missingRead(has.reads, reads);
  if (missing !== null) return reads.distribution === true ? missing + unless(has) : missing;
  if (outputRowCount <= has.outputRowCountMax) return null;
  return has.outputRowCountMax === 0
    ? 'it gives no rows of a given text'
    : `it gives at most ${has.outputRowCountMax} rows of a text at once, not ${outputRowCount}`;
}

function missingManner(needs: SessionNeeds, has: SessionCapabilities): string | null {
  if (needs.sharesNoise === true && !has.sharesNoise) {
    return `it does not draw with the request's seed${unless(has)}`;
  }
  if (needs.tokenIds === true && has.input === 'text') return 'it takes text and no token ids';
  if (needs.continues === true && !has.continuesTexts) return 'it begins every answer anew';
  if (needs.keepsGrammar === true && !has.keepsGrammar) return 'it cannot keep to a grammar';
  return null;
}

function unless({ exactTopK }: SessionCapabilities): string {
  return exactTopK === undefined ? '' : `, unless top-k is 1 to ${exactTopK}`;
}
