/**
 * `speculative`: drafts from the small model or from the text itself, verified by the large model in one
 * forward. It is lossless: the text is the large model's, and with shared noise (default) the very text
 * of its seed. If drafting does not pay on this machine, it is plain `large`.
 */
import { PilotfishError } from '../core/errors.ts';
import { invariant, required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import { type CostCurve, forwardMs, type StepCosts } from '../machines/step-costs.ts';
import { AcceptanceEstimate } from '../speculative/acceptance-estimate.ts';
import {
  DRAFT_LENGTH_MAX,
  draftForwards,
  type SpeculationCosts,
} from '../speculative/draft-length.ts';
import { DraftModelProposer, type DraftPlan } from '../speculative/draft-model.ts';
import { lookupAcceptance, PromptLookupProposer } from '../speculative/prompt-lookup.ts';
import type { Draft, DraftLengthChoice, Proposer } from '../speculative/proposer.ts';
import {
  type Verification,
  type VerifierName,
  verifyByCoupling,
  verifyByRejection,
} from '../speculative/verifiers.ts';
import { draftModelCost, promptLookupCost } from './cost-models.ts';
import type { Method } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import type {
  Decision,
  Decoder,
  Round,
  Strategy,
  StrategyContext,
  StrategyNeeds,
} from './strategy.ts';
import type { SpeculativeOptions } from './strategy-options.ts';
import { writtenBy } from './written-by.ts';

export { DRAFT_LENGTH_MAX } from '../speculative/draft-length.ts';

export const speculativeMethod: Method = {
  name: 'speculative',
  summary: "the large model's own text, drafted by the small one or by prompt lookup",
  unit: null,
  controlOf: null,
  threshold: null,
  gate: null,
  head: null,
  usesStepCosts: true,
  needs: ['small', 'large'],
  costModels: [draftModelCost, promptLookupCost],
  style: solidLine(HUES.yellow, 'triangle-down'),
  build: (_value, options) => speculative(options.speculative),
};

/**
 * The assumed acceptance of a draft model before its first draft. Pairs of one family reach 0.6 to 0.9.
 */
const ACCEPTANCE_PRIOR = 0.75;
const ACCEPTANCE_PRIOR_WEIGHT = 16;

/** @throws PilotfishError `option-invalid` */
export function speculative(options: SpeculativeOptions = {}): Strategy {
  checkDraftLength(options.draftLength);
  // Acceptance is a property of the pair and the traffic, so requests share their statistics.
  const shared: Shared = {
    ...options,
    modelAcceptance: new AcceptanceEstimate(ACCEPTANCE_PRIOR, ACCEPTANCE_PRIOR_WEIGHT),
    textAcceptance: lookupAcceptance(),
  };
  return {
    name: 'speculative',
    needs: needsOf(options),
    thresholds: {},
    begin: (context) => {
      shared.modelAcceptance.relax();
      return new SpeculativeDecoder(context, shared);
    },
  };
}

function needsOf({ proposer, verifier, draftLength = 'auto' }: SpeculativeOptions): StrategyNeeds {
  const length = draftLength === 'auto' ? DRAFT_LENGTH_MAX : draftLength;
  const reads = { distribution: verifier === 'rejection' };
  const large = { reads, outputRowCount: length + 1, tokenIds: true };
  return proposer === 'prompt-lookup' ? { large } : { small: { reads }, large };
}

function checkDraftLength(length: DraftLengthChoice | undefined): void {
  if (length === undefined || length === 'auto') return;
  if (Number.isSafeInteger(length) && length >= 1 && length <= DRAFT_LENGTH_MAX) return;
  const says = `auto or an integer from 1 to ${DRAFT_LENGTH_MAX}`;
  throw new PilotfishError('option-invalid', `The draft length is ${length}, not ${says}.`, {
    remedy: `Give the draft length as ${says}.`,
    fields: { option: 'draftLength', value: length },
  });
}

interface Shared extends SpeculativeOptions {
  readonly modelAcceptance: AcceptanceEstimate;
  readonly textAcceptance: ReturnType<typeof lookupAcceptance>;
}

class SpeculativeDecoder implements Decoder {
  readonly #context: StrategyContext;
  readonly #shared: Shared;
  readonly #verifier: VerifierName;
  readonly #costs: StepCosts | null;
  /** What the large model writes on alone, between drafts. */
  #stream: AsyncGenerator<RowResult, void> | null = null;
  /** Chosen in the first round, when the lengths of prompt and answer are known. */
  #proposers: readonly Proposer[] = [];

  constructor(context: StrategyContext, shared: Shared) {
    this.#context = context;
    this.#shared = shared;
    this.#verifier = shared.verifier ?? 'coupling';
    this.#costs = costsFor(context, shared);
  }

  async round(round: Round): Promise<readonly Decision[]> {
    const { text, tokenCountMax } = round;
    const proposer = this.#proposer(round);
    // The bonus token needs room too.
    const proposed = await proposer.propose({ text, lengthMax: tokenCountMax - 1 });
    if (proposed === null && this.#costs?.stream !== undefined) return [await this.#next(round)];
    await this.#stream?.return();
    this.#stream = null;
    const draft = proposed ?? { tokens: [], origin: 'small' as const, distributions: null };
    const rows = await this.#verify(text, draft);
    const verification = this.#judge(draft, rows, text.length);
    if (draft.tokens.length > 0) proposer.observe(draft, verification.acceptedCount);
    return decisions(draft, rows, verification);
  }

  async #next({ text, tokenCountMax }: Round): Promise<Decision> {
    const { session, tokenReads: reads, stops: texts } = this.#context;
    const until = { tokenCountMax, texts };
    this.#stream ??= session('large').write({ text, until, purpose: 'correct', reads });
    const { value } = await this.#stream.next();
    return writtenBy('large', required(value ?? undefined, 'a stream ends where its answer does'));
  }

  notes(): readonly string[] {
    return this.#proposers.map((proposer) => proposer.note());
  }

  /** The proposer that drafts is the last of those considered. */
  #proposer(round: Round): Proposer {
    if (this.#proposers.length === 0) this.#proposers = this.#choose(round);
    return required(this.#proposers.at(-1), 'a proposer was chosen');
  }

  #choose({ text, tokenCountMax }: Round): readonly Proposer[] {
    const wanted = this.#shared.proposer ?? 'auto';
    const { allowedDraft } = this.#context;
    const lookup = new PromptLookupProposer({
      acceptance: this.#shared.textAcceptance,
      length: this.#shared.draftLength ?? 'auto',
      costs: lookupCosts(this.#costs),
      allowed: allowedDraft,
    });
    if (wanted === 'prompt-lookup') return [lookup];
    const unreadLength = this.#context.session('small').unreadLength(text);
    const plan = {
      unreadLength,
      readMs: readMs(this.#costs?.small ?? null, unreadLength),
      answerLengthMax: tokenCountMax,
    };
    const model = draftModel(this.#context, { ...this.#shared, costs: this.#costs }, plan);
    return wanted === 'auto' && model.isOff ? [model, lookup] : [model];
  }

  #verify(text: readonly TokenId[], draft: Draft): Promise<readonly RowResult[]> {
    const { session, tokenReads } = this.#context;
    const outputCount = draft.tokens.length + 1;
    const distribution = this.#verifier === 'rejection' && outputCount > 1;
    return session('large').rows({
      text: [...text, ...draft.tokens],
      outputCount,
      purpose: outputCount > 1 ? 'verify' : 'correct',
      reads: { ...tokenReads, distribution },
    });
  }

  #judge(draft: Draft, rows: readonly RowResult[], position: number): Verification {
    if (this.#verifier === 'coupling') return verifyByCoupling(draft, rows);
    return verifyByRejection(draft, rows, position, this.#context.draws);
  }
}

function draftModel(
  { session }: StrategyContext,
  shared: Shared,
  plan: DraftPlan,
): DraftModelProposer {
  return new DraftModelProposer({
    session: () => session('small'),
    verifier: shared.verifier ?? 'coupling',
    acceptance: shared.modelAcceptance,
    length: shared.draftLength ?? 'auto',
    costs: draftModelCosts(shared.costs),
    plan,
  });
}

/**
 * A stream of a server draws with noise of its own, so that only greedy requests have the same text with
 * and without it. Others make a call for every token.
 */
function costsFor({ temperature }: StrategyContext, { costs = null }: Shared): StepCosts | null {
  return costs === null || temperature === 0 ? costs : { ...costs, stream: undefined };
}

/** The stream that a lookup ends is opened again behind it. */
function lookupCosts(costs: StepCosts | null): SpeculationCosts | null {
  const verifyMs = verifyCost(costs);
  if (verifyMs === null) return null;
  const { roundTripMs = 0 } = costs?.stream ?? {};
  return { verifyMs, draftMs: () => roundTripMs };
}

function verifyCost(costs: StepCosts | null | undefined): SpeculationCosts['verifyMs'] | null {
  const large = costs?.large ?? null;
  if (large === null) return null;
  const { tokenMs } = costs?.stream ?? {};
  return (rowCount) =>
    tokenMs !== undefined && rowCount === 1 ? tokenMs : forwardMs(large, rowCount);
}

/** Null if a model was not measured. */
export function draftModelCosts(costs: StepCosts | null | undefined): SpeculationCosts | null {
  const verifyMs = verifyCost(costs);
  const small = costs?.small ?? null;
  if (verifyMs === null || small === null) return null;
  const draftMs = (length: number, acceptance: number): number =>
    draftForwards(length, acceptance).reduce(
      (sum, { rowCount, count }) => sum + count * forwardMs(small, rowCount),
      0,
    );
  return { verifyMs, draftMs };
}

/** Reading costs no more per token than the widest measured forward: prefills are wider still. */
function readMs(curve: CostCurve | null, length: number): number {
  const widest = curve?.points.at(-1);
  return widest === undefined ? 0 : (length * widest.ms) / widest.rowCount;
}

/** The accepted drafts, then the correction or bonus token. */
function decisions(
  draft: Draft,
  rows: readonly RowResult[],
  { acceptedCount, next }: Verification,
): Decision[] {
  invariant(acceptedCount <= draft.tokens.length, 'more was accepted than drafted');
  const accepted = draft.tokens.slice(0, acceptedCount).map((tokenId, index) => ({
    tokenId,
    origin: draft.origin,
    verified: true,
    proposedTokenId: null,
    score: null,
    logprob: targetLogprob(rows, index, tokenId),
  }));
  const written: Decision = {
    tokenId: next,
    origin: 'large',
    verified: false,
    proposedTokenId: draft.tokens[acceptedCount] ?? null,
    score: null,
    logprob: targetLogprob(rows, acceptedCount, next),
  };
  return [...accepted, written];
}

/** The target's log-probability, if its row computed it for this very token. */
function targetLogprob(rows: readonly RowResult[], index: number, id: TokenId): number | null {
  const row = required(rows[index], 'a row behind every decision');
  return row.tokenId === id ? row.logprob : null;
}
