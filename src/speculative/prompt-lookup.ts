/**
 * Prompt lookup (n-gram) drafting: if the last tokens of the text occurred earlier, the tokens that
 * followed them then may follow now. These drafts cost nothing and are good in answers that quote:
 * code edits, summaries, extraction. Verifying them costs, so they are only sent if matches of that
 * length have held. A draft that is not sent is still compared with the target's tokens, which is
 * free evidence.
 *
 *    text     … the red fox [jumps over the] … the red fox        (match of 3)
 *    proposes jumps over the
 */
import type { TokenId } from '../core/token-id.ts';
import { AcceptanceEstimate } from './acceptance-estimate.ts';
import { bestDraftLength, DRAFT_LENGTH_MAX, type SpeculationCosts } from './draft-length.ts';
import type { Draft, DraftLengthChoice, ProposeRequest, Proposer } from './proposer.ts';

/** The lengths of the longest and the shortest end of the text that is looked up. */
export const MATCH_LENGTH_MAX = 5;
export const MATCH_LENGTH_MIN = 2;

export interface Lookup {
  readonly tokens: readonly TokenId[];
  /** The number of matching tokens before the proposal. Longer matches hold more often. */
  readonly matchLength: number;
}

/** The continuation of the latest earlier occurrence of the longest matching end. */
export function lookUp(text: readonly TokenId[], lengthMax: number): Lookup | null {
  let best: { end: number; length: number } | null = null;
  for (let end = text.length - 1; end >= MATCH_LENGTH_MIN; end -= 1) {
    const length = matchLength(text, end);
    if (length > (best?.length ?? MATCH_LENGTH_MIN - 1)) best = { end, length };
    if (length === MATCH_LENGTH_MAX) break;
  }
  if (best === null || lengthMax < 1) return null;
  return { tokens: continuation(text, best.end, lengthMax), matchLength: best.length };
}

/**
 * The tokens that follow `from`. At the end of the text the proposal continues with itself, because a
 * repetition probably goes on.
 */
function continuation(text: readonly TokenId[], from: number, length: number): TokenId[] {
  const tokens: TokenId[] = [];
  for (let index = from; tokens.length < length; index += 1) {
    const token = text[index] ?? tokens[index - text.length];
    if (token === undefined) break;
    tokens.push(token);
  }
  return tokens;
}

/**
 * The number of tokens before `end` that equal the last tokens of the text, up to the longest match.
 */
function matchLength(text: readonly TokenId[], end: number): number {
  let length = 0;
  while (
    length < MATCH_LENGTH_MAX &&
    length < end &&
    text[end - 1 - length] === text[text.length - 1 - length]
  ) {
    length += 1;
  }
  return length;
}

/** Acceptance by match length, shared by all requests of an engine. */
export type LookupAcceptance = ReadonlyMap<number, AcceptanceEstimate>;

/** The prior acceptance of an untried match length, and its weight in drafts. */
const PRIOR = 0.4;
const PRIOR_WEIGHT = 6;

export function lookupAcceptance(): LookupAcceptance {
  const estimates = new Map<number, AcceptanceEstimate>();
  for (let length = MATCH_LENGTH_MIN; length <= MATCH_LENGTH_MAX; length += 1) {
    estimates.set(length, new AcceptanceEstimate(PRIOR, PRIOR_WEIGHT));
  }
  return estimates;
}

export interface PromptLookupOptions {
  readonly acceptance: LookupAcceptance;
  readonly length: DraftLengthChoice;
  /** The costs of verifying; null if unknown: then `auto` drafts nothing. */
  readonly costs: SpeculationCosts | null;
  /** Cuts a draft to the beginning that may be written; absent: every draft may be. */
  readonly allowed?:
    | ((text: readonly TokenId[], draft: readonly TokenId[]) => Promise<readonly TokenId[]>)
    | undefined;
}

/** A lookup that was not sent. It waits for the target to write the same place. */
interface Shadow {
  readonly lookup: Lookup;
  readonly position: number;
}

export class PromptLookupProposer implements Proposer {
  readonly #options: PromptLookupOptions;
  readonly #matchLengths = new WeakMap<Draft, number>();
  #shadow: Shadow | null = null;
  #sentCount = 0;
  #acceptedCount = 0;
  #heldBackCount = 0;

  constructor(options: PromptLookupOptions) {
    this.#options = options;
  }

  async propose({ text, lengthMax }: ProposeRequest): Promise<Draft | null> {
    this.#settleShadow(text);
    const lookup = lookUp(text, Math.min(lengthMax, DRAFT_LENGTH_MAX));
    if (lookup === null) return null;
    const length = this.#length(lookup);
    if (length === 0) {
      this.#heldBackCount += 1;
      this.#shadow ??= { lookup, position: text.length };
      return null;
    }
    const found = lookup.tokens.slice(0, length);
    const tokens = (await this.#options.allowed?.(text, found)) ?? found;
    if (tokens.length === 0) return null;
    const draft: Draft = { tokens, origin: 'prompt-lookup', distributions: null };
    this.#matchLengths.set(draft, lookup.matchLength);
    this.#sentCount += tokens.length;
    return draft;
  }

  observe(draft: Draft, acceptedCount: number): void {
    this.#acceptedCount += acceptedCount;
    const matched = this.#matchLengths.get(draft);
    if (matched === undefined) return;
    this.#options.acceptance.get(matched)?.observe(acceptedCount, draft.tokens.length);
  }

  note(): string {
    const { length, costs } = this.#options;
    if (length === 'auto' && costs === null) {
      return 'prompt lookup off: step costs were not measured';
    }
    return (
      `prompt lookup: ${this.#acceptedCount} of ${this.#sentCount} drafts accepted, ` +
      `${this.#heldBackCount} matches not worth verifying`
    );
  }

  #length(lookup: Lookup): number {
    const { acceptance, length, costs } = this.#options;
    if (length !== 'auto') return Math.min(length, lookup.tokens.length);
    if (costs === null) return 0;
    const expected = acceptance.get(lookup.matchLength)?.value ?? PRIOR;
    return bestDraftLength(expected, costs, lookup.tokens.length).length;
  }

  /** Compares the held-back draft with the tokens that the target has written since. */
  #settleShadow(text: readonly TokenId[]): void {
    const shadow = this.#shadow;
    if (shadow === null) return;
    const { tokens, matchLength } = shadow.lookup;
    const written = text.slice(shadow.position, shadow.position + tokens.length);
    const wrong = written.findIndex((token, index) => token !== tokens[index]);
    if (wrong < 0 && written.length < tokens.length) return;
    this.#shadow = null;
    const held = wrong < 0 ? tokens.length : wrong;
    this.#options.acceptance.get(matchLength)?.observe(held, tokens.length);
  }
}
