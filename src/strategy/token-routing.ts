/**
 * Token routing: the small model proposes every token. A gate scores the proposal and either keeps it or
 * lets the large model write that token. The large model reads its missed tokens when it is next called.
 * Both draw with the same noise, so at the ends of the range the text is that of one model alone: never
 * calling gives `small`, always calling gives `large`.
 *
 * Where a call takes long (another machine), the small model may draft on meanwhile. If the large one
 * writes what was proposed, the drafts that the gate keeps stand. Or the large model writes a run of
 * tokens in one call, which are taken as long as the gate asks for them. Greedily the text is the same.
 */
import { required } from '../core/invariant.ts';
import { joinReads } from '../core/row-reads.ts';
import type { TokenId } from '../core/token-id.ts';
import { defers, type Gate } from '../judging/gate.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { draftAhead, takeAhead } from './draft-ahead.ts';
import { type Method, type ThresholdFacts, thresholdOf } from './method.ts';
import { RoutedRun } from './routed-run.ts';
import type { Decision, Decoder, Round, Strategy, StrategyContext } from './strategy.ts';
import { checkUplink } from './uplink.ts';
import { writtenBy } from './written-by.ts';

/** The facts that differ from gate to gate. */
type TokenFacts = Pick<Method, 'summary' | 'style'> & {
  readonly threshold: Omit<ThresholdFacts, 'isShare' | 'deferralSide'> & {
    /** Default false. */
    readonly isShare?: boolean;
  };
};

/**
 * The method that routes tokens by a gate. It has the gate's name, and a default threshold.
 *
 * @example
 * const surprise = tokenMethod(surpriseGate, {
 *   summary: 'token routing by surprise',
 *   threshold: { name: 'nats', default: 2, meaning: 'the large model writes tokens above it' },
 *   style: null,
 * });
 * engine.generate({ prompt: 'Water boils at', strategy: strategyValue(surprise, 3) });
 */
export function tokenMethod(gate: Gate, { threshold, ...facts }: TokenFacts): Method {
  return {
    ...facts,
    name: gate.name,
    unit: 'token',
    controlOf: null,
    threshold: { isShare: false, ...threshold, deferralSide: gate.deferralSide },
    gate,
    head: null,
    usesStepCosts: false,
    needs: ['small', 'large'],
    costModels: [tokenRoutingCost(gate)],
    build: (value, { uplink }) =>
      tokenRouting(gate, thresholdOf(value), {
        thresholdName: threshold.name,
        ahead: uplink?.ahead,
        run: uplink?.run,
      }),
  };
}

export interface RoutingOptions {
  readonly thresholdName: string;
  /** Tokens that the small model drafts on while the large one is asked; default 0. */
  readonly ahead?: number | undefined;
  /** The most tokens that one call of the large model writes; default 1. */
  readonly run?: number | undefined;
}

/** @throws PilotfishError `option-invalid` */
export function tokenRouting(
  gate: Gate,
  threshold: number,
  { thresholdName, ahead = 0, run = 1 }: RoutingOptions,
): Strategy {
  checkUplink({ ahead, run });
  return {
    name: gate.name,
    needs: { small: { reads: gate.reads, outputRowCount: 1 }, large: { outputRowCount: 1 } },
    thresholds: { [thresholdName]: threshold },
    begin: (context) => new RoutingDecoder(context, gate, { threshold, ahead, run }),
  };
}

interface Rule {
  readonly threshold: number;
  readonly ahead: number;
  readonly run: number;
}

/** A token that the small model proposes behind a text. */
interface Proposed {
  readonly text: readonly TokenId[];
  readonly tokenId: TokenId;
  readonly score: number;
  /** As the small model's own token. */
  readonly written: Decision;
  /** Whether it stands without the large model. */
  readonly isSure: boolean;
}

class RoutingDecoder implements Decoder {
  readonly #context: StrategyContext;
  readonly #gate: Gate;
  readonly #rule: Rule;
  readonly #large: RoutedRun;
  /** Proposed ahead, and to be asked about next. */
  #unsure: Proposed | null = null;

  constructor(context: StrategyContext, gate: Gate, rule: Rule) {
    this.#context = context;
    this.#gate = gate;
    this.#rule = rule;
    this.#large = new RoutedRun(() => context.session('large'), {
      ...{ reads: context.tokenReads, lengthMax: rule.run },
    });
  }

  async round({ text, tokenCountMax }: Round): Promise<readonly Decision[]> {
    const proposed = takeAhead(this.#unsure, text) ?? (await this.#propose(text));
    this.#unsure = null;
    const { tokenId, score, isSure, written } = proposed;
    if (isSure) return [written];
    const asking = this.#large.next({ text, tokenCountMax });
    // The small model goes on as if the large one will write what it proposed.
    const countMax = this.#context.isEndOfGeneration(tokenId)
      ? 0
      : Math.min(tokenCountMax - 1, this.#rule.ahead);
    const propose = (prefix: readonly TokenId[]): Promise<Proposed> => this.#propose(prefix);
    const ahead = await draftAhead(propose, [...text, tokenId], { asking, countMax });
    const correction = writtenBy('large', await asking);
    const decision = { ...correction, proposedTokenId: tokenId, score };
    if (correction.tokenId !== tokenId) return [decision];
    this.#unsure = ahead.find((one) => !one.isSure) ?? null;
    return [decision, ...ahead.filter((one) => one.isSure).map((one) => one.written)];
  }

  async #propose(text: readonly TokenId[]): Promise<Proposed> {
    const { session, tokenReads } = this.#context;
    const gate = this.#gate;
    const [row] = await session('small').rows({
      ...{ text, outputCount: 1, purpose: 'draft', reads: joinReads(tokenReads, gate.reads) },
    });
    const proposal = required(row, 'one output row');
    const score = gate.score(proposal, text.length, this.#context);
    return {
      ...{ text, tokenId: proposal.tokenId, score },
      written: { ...writtenBy('small', proposal), score },
      isSure: !defers(gate.deferralSide, score, this.#rule.threshold),
    };
  }
}
