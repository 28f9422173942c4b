/**
 * U-HLM (arXiv 2412.12687): the small model, on a device, drafts every token. A draft of which it is
 * sure stands. Any other is transmitted: the large model, elsewhere, accepts it or draws another token
 * from the residual. It reads what was not transmitted with the next transmission.
 *
 * A drafted end of the answer is always transmitted, because nothing would come after it.
 */
import { commonLength } from '../core/common-length.ts';
import type { Draws } from '../core/draws.ts';
import { required } from '../core/invariant.ts';
import type { ModelRole } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import { joinReads, type RowReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import { defers, type Gate } from '../judging/gate.ts';
import {
  draftProbabilityGate,
  perturbationGate,
  sampledPerturbationGate,
  unbiasedPerturbationGate,
} from '../judging/perturbation.ts';
import {
  compressDistribution,
  expandDistribution,
  fromSinglePrecision,
  LEVEL_BIT_COUNT_MAX,
} from '../sampling/compressed-distribution.ts';
import { type DraftDistribution, expandDraftDistribution } from '../sampling/draft-distribution.ts';
import { residualWeights } from '../sampling/residual.ts';
import type { Verdict } from '../session/session.ts';
import { judgeDraft } from '../speculative/verifiers.ts';
import { checkOption } from './check-option.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { type AheadDraft, draftAhead } from './draft-ahead.ts';
import { entropyGate } from './entropy.ts';
import {
  chosenThreshold,
  type Fits,
  isRule,
  type TokenCountRule,
  tokenCountRule,
} from './fitted-uplink.ts';
import { marginGate } from './margin.ts';
import { type Method, thresholdOf } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { randomGate } from './random.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';
import type { UplinkOptions } from './strategy-options.ts';
import { writtenBy } from './written-by.ts';

export interface HybridOptions {
  /** Scores the drafts; those on its deferral side are transmitted. Null: all are. */
  readonly gate: Gate | null;
  readonly threshold: number;
  /** Default: the name of the gate. */
  readonly thresholdName?: string | undefined;
  readonly uplink?: UplinkOptions | undefined;
  /** The fits of the pair, for a number of tokens that depends on one, and the temperature of drafts. */
  readonly fits?: Fits['fits'];
  readonly temperature?: Fits['temperature'];
  /** For the summary; null: nothing. */
  readonly note?: string | null | undefined;
  /** Told of every draft that was transmitted. */
  readonly observe?: ((seen: TransmittedDraft) => void) | undefined;
}

/** Both models' rows at a draft that was transmitted. */
export interface TransmittedDraft {
  readonly draft: RowResult;
  readonly target: RowResult;
  readonly score: number | null;
}

/**
 * Decides as a device does. Where the large model gives verdicts, it is a hub; otherwise this process
 * has both models, and decides as the two do. Always transmitting gives the large model's
 * distribution (but for the paper's compression), with `ids` its very text. Never transmitting gives the
 * small model's text, but for the end of the answer.
 * @throws PilotfishError `option-invalid`
 */
export function hybrid(name: string, options: HybridOptions): Strategy {
  const { gate, threshold, uplink = {}, observe = null, note = null } = options;
  const { thresholdName = gate?.name ?? '' } = options;
  checkUplink(uplink);
  const sendsIds = uplink.sends === 'ids';
  const countsByFit = uplink.sends === 'top' && isRule(uplink.tokenCount);
  const countTokens = countsByFit ? tokenCountRule(name, uplink.tokenCount, options) : null;
  const draftReads = joinReads(gate?.reads ?? {}, { perturbation: countTokens !== null });
  const reads = joinReads(draftReads, { distribution: !sendsIds });
  return {
    name,
    needs: {
      small: { reads, outputRowCount: 1 },
      large: {
        ...{ reads: { distribution: !sendsIds }, outputRowCount: 1, verdicts: true },
        ...{ tokenIds: true, sharesNoise: sendsIds },
      },
    },
    thresholds: gate === null ? {} : { [thresholdName]: threshold },
    begin: (context) =>
      new HybridDecoder(context, {
        ...{ gate, threshold, uplink, draftReads, countTokens, observe, note },
      }),
  };
}

class HybridDecoder implements Decoder {
  readonly #context: StrategyContext;
  readonly #rule: Rule;
  /** The reads of both models' rows for a verdict. */
  readonly #sends: RowReads;
  #offlineCount = 0;
  /** Drafted ahead, and to be transmitted next. */
  #unsure: Drafted | null = null;

  constructor(context: StrategyContext, rule: Rule) {
    this.#context = context;
    this.#rule = rule;
    this.#sends = { distribution: rule.uplink.sends !== 'ids' && context.temperature > 0 };
  }

  async round({ text, tokenCountMax }: Round): Promise<readonly Decision[]> {
    const drafted = this.#takeAhead(text) ?? (await this.#draft(text));
    const { written, row, score } = drafted;
    if (drafted.isSure) return [written];
    const sent = drafted.compressed ?? sentOf(row, text.length, this.#context.draws);
    const asking = this.#verdict(text, sent, { draft: drafted.draft, score });
    const isEnd = this.#context.isEndOfGeneration(sent.tokenId);
    const countMax = isEnd ? 0 : Math.min(tokenCountMax - 1, this.#rule.uplink.ahead ?? 0);
    const draft = (prefix: readonly TokenId[]): Promise<Drafted> => this.#draft(prefix);
    const ahead = await draftAhead(draft, [...text, sent.tokenId], { asking, countMax });
    const verdict = await asking;
    if (verdict === null) {
      this.#offlineCount += 1;
      return [{ ...written, isOffline: true }];
    }
    const { isAccepted, ...verified } = verdict;
    if (!isAccepted) {
      return [{ ...writtenBy('large', verified), proposedTokenId: sent.tokenId, score }];
    }
    const sure = ahead.filter(({ isSure }) => isSure).map((one) => one.written);
    this.#unsure = ahead.find(({ isSure }) => !isSure) ?? null;
    return [{ ...written, ...verified, verified: true }, ...sure];
  }

  async #draft(text: readonly TokenId[]): Promise<Drafted> {
    const { gate, draftReads } = this.#rule;
    const position = text.length;
    const row = await this.#row('small', text, draftReads);
    const { draft, compressed } = draftOf(row, this.#context, { ...this.#rule, position });
    const score = gate?.score(draft, position, this.#context) ?? null;
    // Of another draw than the row's own, the log-probability is known but for penalties.
    const logprob = draft === row ? row.logprob : null;
    const written = { ...writtenBy('small', { tokenId: draft.tokenId, logprob }), score };
    const isEnd = this.#context.isEndOfGeneration(draft.tokenId);
    const isSure = this.#isSure(score) && !isEnd;
    const { tokenId } = draft;
    return { text, row, draft, compressed, written, tokenId, score, isSure };
  }

  /** What was drafted ahead and has to be transmitted, if the text came to be as it was drafted for. */
  #takeAhead(text: readonly TokenId[]): Drafted | null {
    const unsure = this.#unsure;
    this.#unsure = null;
    const isNext = unsure?.text.length === text.length;
    return isNext && commonLength(unsure.text, text) === text.length ? unsure : null;
  }

  notes(): readonly string[] {
    const { note } = this.#rule;
    const notes = note === null ? [] : [note];
    const count = this.#offlineCount;
    if (count === 0) return notes;
    const tokens = count === 1 ? '1 token was' : `${count} tokens were`;
    return [...notes, `${tokens} not checked, because the large model was away`];
  }

  /** Null: the large model is away. */
  async #verdict(
    text: readonly TokenId[],
    sent: SentDraft,
    { draft, score }: Omit<TransmittedDraft, 'target'>,
  ): Promise<Verdict | null> {
    const { session, tokenReads, draws } = this.#context;
    const { tokenId, distribution } = sent;
    const large = session('large');
    if (large.capabilities.givesVerdicts && large.verdict !== undefined) {
      const wantsLogprob = tokenReads.logprob === true;
      return await large.verdict({ text, draft: tokenId, distribution, wantsLogprob });
    }
    const target = await this.#row('large', text, {});
    this.#rule.observe?.({ draft, target, score });
    const proposal =
      target.distribution && expandDraftDistribution(distribution, target.distribution.length);
    const verdict = judgeDraft(tokenId, proposal, target, text.length, draws);
    return { ...verdict, logprob: logprobUnder(target, verdict.tokenId) };
  }

  #isSure(score: number | null): boolean {
    const { gate, threshold } = this.#rule;
    if (gate === null || score === null) return false;
    return !defers(gate.deferralSide, score, threshold);
  }

  async #row(role: ModelRole, text: readonly TokenId[], reads: RowReads): Promise<RowResult> {
    const { session, tokenReads } = this.#context;
    const [row] = await session(role).rows({
      ...{ text, outputCount: 1, purpose: role === 'small' ? 'draft' : 'verify' },
      reads: joinReads(tokenReads, reads, this.#sends),
    });
    return required(row, 'one output row');
  }
}

type Rule = Required<Pick<HybridOptions, 'gate' | 'threshold'>> & {
  readonly uplink: UplinkOptions;
  /** The reads of the small model's rows, beside those for a verdict. */
  readonly draftReads: RowReads;
  /** Null: the number of tokens that are sent is that of the uplink. */
  readonly countTokens: TokenCountRule | null;
  readonly observe: HybridOptions['observe'] | null;
  readonly note: string | null;
};

/** The log-probability of a token under the large model, which its row has of its own draw only. */
function logprobUnder(target: RowResult, tokenId: TokenId): number | null {
  return tokenId === target.tokenId ? target.logprob : null;
}

/** A draft as it is transmitted. */
interface SentDraft {
  readonly tokenId: TokenId;
  readonly distribution: DraftDistribution;
}

/** A draft and whether it stands without a verdict. */
interface Drafted extends AheadDraft, Draft {
  readonly text: readonly TokenId[];
  readonly row: RowResult;
  readonly written: Decision;
  readonly score: number | null;
}

interface Draft {
  /** The row, with the draft for its token. */
  readonly draft: RowResult;
  /** The draft with its compressed distribution; null: none is compressed. */
  readonly compressed: SentDraft | null;
}

/** What a compressed distribution has by default. */
export const UPLINK_DEFAULTS = { tokenCount: 4, bitCount: 8 } as const;

function draftOf(
  row: RowResult,
  { draws, temperature }: StrategyContext,
  { uplink, countTokens, position }: Pick<Rule, 'uplink' | 'countTokens'> & { position: number },
): Draft {
  const { distribution: own } = row;
  const { tokenCount: k, bitCount: b } = UPLINK_DEFAULTS;
  const { sends, bitCount = b, rest = 'none' } = uplink;
  if (own === null || sends !== 'top') return { draft: row, compressed: null };
  const given = isRule(uplink.tokenCount) ? undefined : uplink.tokenCount;
  const tokenCount = countTokens?.(row, own) ?? given ?? k;
  const compressed = compressDistribution(own, { tokenCount, bitCount, rest });
  const distribution: DraftDistribution = { kind: 'compressed', compressed };
  const tokenId =
    rest === 'uniform'
      ? row.tokenId
      : draws.categorical(expandDistribution(compressed, own.length), position, 'draft');
  const draft = withToken(row, tokenId, own, temperature);
  return { draft, compressed: { tokenId, distribution } };
}

/**
 * The row's draw as it is transmitted whole. The distribution is rounded to single precision. So that
 * the hub's verdict keeps the large model's distribution exactly, the draw is turned into one of the
 * rounded distribution: another token where rounding took probability from it, about once in 10^8.
 */
function sentOf(
  { tokenId, distribution: own }: RowResult,
  position: number,
  draws: Draws,
): SentDraft {
  if (own === null) return { tokenId, distribution: { kind: 'none' } };
  const probabilities = Float32Array.from(own);
  const distribution: DraftDistribution = { kind: 'full', probabilities };
  const rounded = fromSinglePrecision(probabilities);
  const ratio = (rounded[tokenId] as number) / (own[tokenId] as number);
  if (draws.accepts(Math.min(1, ratio), position, 'rounding')) return { tokenId, distribution };
  return {
    tokenId: draws.categorical(residualWeights(rounded, own), position, 'draft'),
    distribution,
  };
}

/** The row as if it had drawn another token of its distribution. */
function withToken(
  row: RowResult,
  tokenId: TokenId,
  distribution: Float64Array,
  temperature: number,
): RowResult {
  if (tokenId === row.tokenId) return row;
  // The row's own token may not be the best one.
  const further =
    temperature *
    Math.log((distribution[row.tokenId] as number) / (distribution[tokenId] as number));
  const { logprob, logitGap } = row;
  return {
    ...row,
    tokenId,
    logprob: logprob === null ? null : logprob - further,
    logitGap: logitGap === null ? null : logitGap + further,
  };
}

function checkUplink({ tokenCount, bitCount, ahead }: UplinkOptions): void {
  checkOption('ahead', ahead, {
    ...{ holds: isFrom(0, UPLINK_AHEAD_MAX), says: `an integer from 0 to ${UPLINK_AHEAD_MAX}` },
  });
  checkOption('tokenCount', isRule(tokenCount) ? undefined : tokenCount, {
    ...{
      holds: isFrom(1, UPLINK_TOKEN_COUNT_MAX),
      says: `an integer from 1 to ${UPLINK_TOKEN_COUNT_MAX}`,
    },
  });
  checkOption('bitCount', bitCount, {
    ...{
      holds: isFrom(1, LEVEL_BIT_COUNT_MAX),
      says: `an integer from 1 to ${LEVEL_BIT_COUNT_MAX}`,
    },
  });
}

/** Far more tokens than any distribution has that matters. */
export const UPLINK_TOKEN_COUNT_MAX = 65_536;
export const UPLINK_BIT_COUNT_MAX: number = LEVEL_BIT_COUNT_MAX;
/** A verdict seldom takes longer than the drafting of so many tokens. */
export const UPLINK_AHEAD_MAX = 64;

const isFrom =
  (low: number, high: number) =>
  (value: number): boolean =>
    Number.isSafeInteger(value) && value >= low && value <= high;

type Facts = Pick<Method, 'name' | 'summary' | 'gate' | 'threshold' | 'style'> & {
  /** What it sends by default. */
  readonly sends?: UplinkOptions['sends'];
};

function method({ sends = 'distribution', ...facts }: Facts): Method {
  const { name, gate } = facts;
  const reads = joinReads(gate?.reads ?? {}, { distribution: true });
  const cost = tokenRoutingCost({ name, reads });
  return {
    ...{ ...facts, unit: 'draft', controlOf: null, head: null },
    usesStepCosts: false,
    ...{ optionGroups: ['uplink'], sends },
    fit: { givesThreshold: gate === perturbationGate },
    needs: ['small', 'large'],
    costModels: [gate === null ? { ...cost, parameter: null } : cost],
    build: (value, { uplink: asked = {}, ...options }) => {
      const given = gate === null ? 0 : thresholdOf(value);
      const byFit = gate === perturbationGate && value.threshold === null;
      const { threshold, note } = byFit
        ? chosenThreshold(value, { ...options, uplink: asked }, given)
        : { threshold: given, note: null };
      const uplink = { ...asked, sends: asked.sends ?? sends };
      const thresholdName = facts.threshold?.name;
      const { fits, temperature } = options;
      return hybrid(name, { gate, threshold, thresholdName, uplink, fits, temperature, note });
    },
  };
}

function gated(
  name: string,
  gate: Gate,
  facts: Pick<Facts, 'summary' | 'style' | 'sends'> & {
    readonly default: number;
    readonly scale: string;
  },
): Method {
  const { summary, style, sends, scale, default: byDefault } = facts;
  const side = gate.deferralSide === 'above' ? 'above' : 'below';
  const byFit =
    gate === perturbationGate ? "; by default that of the pair's fit, if it has one" : '';
  const meaning = `${scale}: drafts ${side} it are transmitted${byFit}`;
  const { deferralSide } = gate;
  const threshold = { name: gate.name, default: byDefault, meaning, isShare: false, deferralSide };
  return method({ name, summary, gate, threshold, style, sends });
}

const UNCERTAINTY = 'the uncertainty, from 0 to 1';

export const HYBRID_METHODS: readonly Method[] = [
  method({
    name: 'hlm',
    summary: 'hybrid inference: every draft is transmitted, and verified by the large model',
    ...{ gate: null, threshold: null, style: null },
  }),
  gated('uhlm', perturbationGate, {
    summary: 'the same, but drafts stand that other temperatures would draw, too (U-HLM)',
    ...{ default: 0.08, scale: UNCERTAINTY, style: solidLine(HUES.sky, 'square') },
  }),
  gated('cu-hlm', perturbationGate, {
    summary: 'the same with a compressed distribution (CU-HLM)',
    ...{ default: 0.08, scale: UNCERTAINTY, style: solidLine(HUES.green, 'cross'), sends: 'top' },
  }),
  gated('uhlm-unbiased', unbiasedPerturbationGate, {
    summary: 'the same by an uncertainty that does not look at the draft',
    ...{ default: 0.08, scale: UNCERTAINTY, style: solidLine(HUES.teal, 'diamond') },
  }),
  gated('uhlm-sampled', sampledPerturbationGate, {
    summary: 'U-HLM as in its paper: by 20 draws at other temperatures',
    ...{ default: 0.08, scale: 'the share of other tokens', style: solidLine(HUES.sky, 'cross') },
  }),
  gated('uhlm-pd', draftProbabilityGate, {
    summary: "the same by the draft's own probability",
    ...{ default: 0.1, scale: '1 - the probability', style: solidLine(HUES.indigo, 'square') },
  }),
  gated('uhlm-entropy', entropyGate, {
    summary: "the same by the small model's entropy",
    ...{ default: 0.5, scale: 'the entropy, in nats', style: solidLine(HUES.blue, 'diamond') },
  }),
  gated('uhlm-margin', marginGate, {
    summary: 'the same by the margin of its best token',
    ...{
      default: 0.7,
      scale: 'the margin, from 0 to 1',
      style: solidLine(HUES.vermilion, 'cross'),
    },
  }),
  {
    ...method({
      name: 'random-uhlm',
      summary: 'the same by a coin: the control',
      gate: randomGate,
      threshold: {
        ...{ name: 'share', default: 0.3, isShare: true, deferralSide: 'below' },
        meaning: 'this share of the drafts is transmitted, from 0 to 1 (or 30%)',
      },
      style: null,
    }),
    controlOf: 'draft',
    phrase: 'random transmission',
  },
];
