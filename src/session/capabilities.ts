/** The capabilities of the model behind a session, and the needs of a strategy. Pure. */
import { coversReads, joinReads, type RowReads } from '../core/row-reads.ts';

export interface SessionCapabilities {
  /** Values that rows can have beside their tokens. */
  readonly reads: RowReads;
  /** The most rows of one call. 0: the model writes on, but gives no rows of a given text. */
  readonly outputRowCountMax: number;
  /** Whether draws follow the request's seed, with noise that all models of the request share. */
  readonly sharesNoise: boolean;
  /** Whether a grammar of this request can constrain the model's text. */
  readonly keepsGrammar: boolean;
  /** The form of texts that the model takes. A model that takes only text reads the tokens' text. */
  readonly input: 'token-ids' | 'text';
}

/** A model that this process runs can do everything. */
export const LOCAL_CAPABILITIES: SessionCapabilities = {
  reads: {
    ...{ logprob: true, uncertainty: true, topLogprobs: Number.POSITIVE_INFINITY },
    ...{ textLogprob: true, distribution: true, hidden: true },
  },
  outputRowCountMax: Number.POSITIVE_INFINITY,
  sharesNoise: true,
  keepsGrammar: true,
  input: 'token-ids',
};

/** The needs of a strategy of one model. An absent value is not needed. */
export interface SessionNeeds {
  readonly reads?: RowReads | undefined;
  /** The rows of one call; 0 or absent if writing on is enough. */
  readonly outputRowCount?: number | undefined;
  readonly sharesNoise?: boolean | undefined;
  /** Whether the model must take token ids, because it might cut a text into other tokens. */
  readonly tokenIds?: boolean | undefined;
  readonly keepsGrammar?: boolean | undefined;
  /** The branches that are open at once beside the session itself, and the tokens that each may add. */
  readonly branches?: { readonly count: number; readonly tokenCountMax: number } | undefined;
}

const LACKS: Readonly<Record<keyof RowReads, string>> = {
  logprob: 'it gives no log-probabilities of its own tokens',
  uncertainty: 'it gives no entropies and margins',
  topLogprobs: 'it gives fewer of the largest log-probabilities',
  textLogprob: 'it gives no log-probabilities of given tokens',
  distribution: 'it gives no whole distributions',
  hidden: 'it gives no hidden states',
};

/** Names a missing capability, as in "it gives no hidden states"; null if none is missing. */
export function missingCapability(needs: SessionNeeds, has: SessionCapabilities): string | null {
  const { reads = {}, outputRowCount = 0 } = needs;
  for (const name of Object.keys(LACKS) as (keyof RowReads)[]) {
    const wanted = joinReads({ [name]: reads[name] });
    if (!coversReads(has.reads, wanted)) return LACKS[name];
  }
  if (outputRowCount > has.outputRowCountMax) {
    return has.outputRowCountMax === 0
      ? 'it gives no rows of a text that it is told'
      : `it gives at most ${has.outputRowCountMax} rows of a text at once, not ${outputRowCount}`;
  }
  if (needs.sharesNoise === true && !has.sharesNoise) return 'its draws follow no seed of ours';
  if (needs.tokenIds === true && has.input === 'text') return 'it takes text and no token ids';
  if (needs.keepsGrammar === true && !has.keepsGrammar) return 'it keeps to no grammar';
  return null;
}
