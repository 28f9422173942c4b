/**
 * U-HLM (arXiv 2412.12687): the small model, on a device, drafts every token. A draft of which it is
 * sure stands. Any other is transmitted: the large model, elsewhere, accepts it or draws another token
 * from the residual. It reads what was not transmitted with the next transmission.
 *
 * A drafted end of the answer is always transmitted, because nothing would come after it.
 */
import { required } from '../core/invariant.ts';
import { joinReads } from '../core/row-reads.ts';
import { defers, type Gate } from '../judging/gate.ts';
import {
  draftProbabilityGate,
  perturbationGate,
  sampledPerturbationGate,
  unbiasedPerturbationGate,
} from '../judging/perturbation.ts';
import { judgeDraft } from '../speculative/verifiers.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { entropyGate } from './entropy.ts';
import { marginGate } from './margin.ts';
import { type Method, thresholdOf } from './method.ts';
import { HUES, solidLine } from './method-style.ts';
import { randomGate } from './random.ts';
import type { Decision, Strategy } from './strategy.ts';
import type { UplinkOptions } from './strategy-options.ts';
import { writtenBy } from './written-by.ts';

export interface HybridOptions {
  /** Scores the drafts; those on its deferral side are transmitted. Null: all are. */
  readonly gate: Gate | null;
  readonly threshold: number;
  readonly uplink?: UplinkOptions | undefined;
}

/**
 * Decides as a device and its hub do, in one process. Always transmitting gives the large model's
 * distribution, with `ids` its very text; never transmitting gives the small model's text, but for the
 * end of the answer.
 */
export function hybrid(name: string, { gate, threshold, uplink = {} }: HybridOptions): Strategy {
  const sendsIds = uplink.sends === 'ids';
  const reads = joinReads(gate?.reads ?? {}, { distribution: !sendsIds });
  return {
    name,
    needs: {
      small: { reads, outputRowCount: 1 },
      large: { reads: { distribution: !sendsIds }, outputRowCount: 1, tokenIds: true },
    },
    thresholds: gate === null ? {} : { [gate.name]: threshold },
    begin: (context) => {
      const { session, tokenReads, draws, temperature } = context;
      const sends = { distribution: !sendsIds && temperature > 0 };
      return {
        async round({ text }): Promise<readonly Decision[]> {
          const [drafted] = await session('small').rows({
            ...{ text, outputCount: 1, purpose: 'draft' },
            reads: joinReads(tokenReads, gate?.reads ?? {}, sends),
          });
          const draft = required(drafted, 'one output row');
          const score = gate?.score(draft, text.length, context) ?? null;
          const isSure =
            gate !== null && score !== null && !defers(gate.deferralSide, score, threshold);
          if (isSure && !context.isEndOfGeneration(draft.tokenId)) {
            return [{ ...writtenBy('small', draft), score }];
          }
          const [verified] = await session('large').rows({
            ...{ text, outputCount: 1, purpose: 'verify' },
            reads: joinReads(tokenReads, sends),
          });
          const target = required(verified, 'one output row');
          const { tokenId: proposedTokenId, distribution } = draft;
          const verdict = judgeDraft(proposedTokenId, distribution, target, text.length, draws);
          if (verdict.isAccepted) {
            return [{ ...writtenBy('small', draft), score, verified: true }];
          }
          const { tokenId } = verdict;
          // The row's log-probability is that of the row's own draw.
          const logprob = tokenId === target.tokenId ? target.logprob : null;
          return [{ ...writtenBy('large', { tokenId, logprob }), proposedTokenId, score }];
        },
      };
    },
  };
}

type Facts = Pick<Method, 'name' | 'summary' | 'gate' | 'threshold' | 'style'> &
  Partial<Pick<Method, 'controlOf' | 'phrase'>>;

function method(facts: Facts): Method {
  const { name, gate } = facts;
  const cost = tokenRoutingCost({ name, reads: gate?.reads ?? {} });
  return {
    ...{ ...facts, unit: 'draft', controlOf: facts.controlOf ?? null, head: null },
    usesStepCosts: false,
    optionGroups: ['uplink'],
    needs: ['small', 'large'],
    costModels: [gate === null ? { ...cost, parameter: null } : cost],
    build: (value, { uplink }) => {
      const threshold = gate === null ? 0 : thresholdOf(value);
      return hybrid(name, { gate, threshold, uplink });
    },
  };
}

function gated(
  name: string,
  gate: Gate,
  facts: Pick<Method, 'summary' | 'style'> & { readonly default: number; readonly scale: string },
): Method {
  const { summary, style, scale, default: byDefault } = facts;
  const side = gate.deferralSide === 'above' ? 'above' : 'below';
  const meaning = `${scale}: drafts ${side} it are transmitted`;
  const { deferralSide } = gate;
  const threshold = { name: gate.name, default: byDefault, meaning, isShare: false, deferralSide };
  return method({ name, summary, gate, threshold, style });
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
