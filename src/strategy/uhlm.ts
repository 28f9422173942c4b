/**
 * U-HLM (arXiv 2412.12687): the small model, on a device, drafts every token. A draft of which it is
 * sure stands. Any other is transmitted: the large model, elsewhere, accepts it or draws another token
 * from the residual. It reads what was not transmitted with the next transmission.
 *
 * A drafted end of the answer is always transmitted, because nothing would come after it.
 */
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
  LEVEL_BIT_COUNT_MAX,
} from '../sampling/compressed-distribution.ts';
import { judgeDraft } from '../speculative/verifiers.ts';
import { checkOption } from './check-option.ts';
import { tokenRoutingCost } from './cost-models.ts';
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
 * Decides as a device and its hub do, in one process. Always transmitting gives the large model's
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
      large: { reads: { distribution: !sendsIds }, outputRowCount: 1, tokenIds: true },
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

  constructor(context: StrategyContext, rule: Rule) {
    this.#context = context;
    this.#rule = rule;
    this.#sends = { distribution: rule.uplink.sends !== 'ids' && context.temperature > 0 };
  }

  notes(): readonly string[] {
    const { note } = this.#rule;
    return note === null ? [] : [note];
  }

  async round({ text }: Round): Promise<readonly Decision[]> {
    const { draws } = this.#context;
    const { gate, draftReads, observe } = this.#rule;
    const position = text.length;
    const row = await this.#row('small', text, draftReads);
    const { draft, proposal } = draftOf(row, this.#context, { ...this.#rule, position });
    const score = gate?.score(draft, position, this.#context) ?? null;
    // Of another draw than the row's own, the log-probability is known but for penalties.
    const logprob = draft === row ? row.logprob : null;
    const { tokenId } = draft;
    const written = { ...writtenBy('small', { tokenId, logprob }), score };
    if (this.#isSure(score) && !this.#context.isEndOfGeneration(tokenId)) return [written];
    const target = await this.#row('large', text, {});
    observe?.({ draft, target, score });
    const verdict = judgeDraft(tokenId, proposal, target, position, draws);
    const verified = { tokenId: verdict.tokenId, logprob: logprobUnder(target, verdict.tokenId) };
    if (verdict.isAccepted) return [{ ...written, ...verified, verified: true }];
    return [{ ...writtenBy('large', verified), proposedTokenId: tokenId, score }];
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

interface Draft {
  /** The row, with the draft for its token. */
  readonly draft: RowResult;
  /** What the hub knows of the draft's distribution; null: nothing. */
  readonly proposal: Float64Array | null;
}

const TOKEN_COUNT = 4;
const BIT_COUNT = 8;

function draftOf(
  row: RowResult,
  { draws, temperature }: StrategyContext,
  { uplink, countTokens, position }: Pick<Rule, 'uplink' | 'countTokens'> & { position: number },
): Draft {
  const { distribution } = row;
  const { sends, bitCount = BIT_COUNT, rest = 'none' } = uplink;
  if (distribution === null || sends !== 'top') return { draft: row, proposal: distribution };
  const given = isRule(uplink.tokenCount) ? undefined : uplink.tokenCount;
  const tokenCount = countTokens?.(row, distribution) ?? given ?? TOKEN_COUNT;
  const compressed = compressDistribution(distribution, { tokenCount, bitCount, rest });
  const proposal = expandDistribution(compressed, distribution.length);
  if (rest === 'uniform') return { draft: row, proposal };
  const tokenId = draws.categorical(proposal, position, 'draft');
  return { draft: withToken(row, tokenId, distribution, temperature), proposal };
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

function checkUplink({ tokenCount, bitCount }: UplinkOptions): void {
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

const isFrom =
  (low: number, high: number) =>
  (value: number): boolean =>
    Number.isSafeInteger(value) && value >= low && value <= high;

type Facts = Pick<Method, 'name' | 'summary' | 'gate' | 'threshold' | 'style'> & {
  /** What it sends by default. */
  readonly sends?: UplinkOptions['sends'];
};

function method({ sends, ...facts }: Facts): Method {
  const { name, gate } = facts;
  const reads = joinReads(gate?.reads ?? {}, { distribution: true });
  const cost = tokenRoutingCost({ name, reads });
  return {
    ...{ ...facts, unit: 'draft', controlOf: null, head: null },
    usesStepCosts: false,
    optionGroups: ['uplink'],
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
