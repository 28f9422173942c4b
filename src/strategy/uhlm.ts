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
import { expandDraftDistribution } from '../sampling/draft-distribution.ts';
import type { Verdict } from '../session/session.ts';
import { judgeDraft } from '../speculative/verifiers.ts';
import { type AheadDraft, draftAhead, takeAhead } from './draft-ahead.ts';
import { type Fits, isRule, type TokenCountRule, tokenCountRule } from './fitted-uplink.ts';
import { type Draft, draftOf, type SentDraft, sentOf } from './sent-draft.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';
import type { StrategyOptions, UplinkOptions } from './strategy-options.ts';
import { checkUplink } from './uplink.ts';
import { writtenBy } from './written-by.ts';

export interface HybridOptions {
  /** Scores the drafts; those on its deferral side are transmitted. Null: all are. */
  readonly gate: Gate | null;
  readonly threshold: number;
  /** Default: the name of the gate. */
  readonly thresholdName?: string | undefined;
  readonly uplink?: UplinkOptions | undefined;
  /** The fits of the pair, for a number of tokens that depends on one, and how drafts are drawn. */
  readonly fits?: Fits['fits'];
  readonly sampling?: Fits['sampling'];
  /** For the summary; null: nothing. */
  readonly note?: string | null | undefined;
  readonly onTransmit?: StrategyOptions['onTransmit'];
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
  const { gate, threshold, uplink = {}, onTransmit, observe = null, note = null } = options;
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
        ...{ gate, threshold, uplink, draftReads, countTokens, onTransmit, observe, note },
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
    const drafted = takeAhead(this.#unsure, text) ?? (await this.#draft(text));
    this.#unsure = null;
    const { written, row, score } = drafted;
    if (drafted.isSure) return [written];
    const sent = drafted.compressed ?? sentOf(row, text.length, this.#context.draws);
    this.#rule.onTransmit?.(sent.distribution);
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
  readonly onTransmit: HybridOptions['onTransmit'];
  readonly observe: HybridOptions['observe'] | null;
  readonly note: string | null;
};

/** The log-probability of a token under the large model, which its row has of its own draw only. */
function logprobUnder(target: RowResult, tokenId: TokenId): number | null {
  return tokenId === target.tokenId ? target.logprob : null;
}

/** A draft and whether it stands without a verdict. */
interface Drafted extends AheadDraft, Draft {
  readonly text: readonly TokenId[];
  readonly row: RowResult;
  readonly written: Decision;
  readonly score: number | null;
}
