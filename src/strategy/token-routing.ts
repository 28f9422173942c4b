/**
 * Token routing: the small model proposes every token; a gate looks at the proposal and either keeps
 * it or lets the large model write that token. The large model reads what it missed when it is next
 * called. Both draw with the same noise, so at the ends of the range the text is that of one model
 * alone: never calling gives `small`, always calling gives `large`.
 */
import { required } from '../core/invariant.ts';
import { withReads } from '../core/row-reads.ts';
import type { Gate } from '../judging/gate.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { type Method, type ThresholdFacts, thresholdOf } from './method.ts';
import type { Decision, Strategy } from './strategy.ts';

/** The facts that differ from gate to gate. */
type TokenFacts = Pick<Method, 'summary' | 'style'> & {
  readonly threshold: Omit<ThresholdFacts, 'isShare' | 'deferralSide'> & {
    /** Default false. */
    readonly isShare?: boolean;
  };
};

/** The method that routes tokens by a gate: it has the gate's name, and a default threshold. */
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
    build: (value) => tokenRouting(gate, thresholdOf(value), threshold.name),
  };
}

export function tokenRouting(gate: Gate, threshold: number, thresholdName: string): Strategy {
  return {
    name: gate.name,
    needs: ['small', 'large'],
    thresholds: { [thresholdName]: threshold },
    begin: ({ sequence, program, draws }) => ({
      async round({ text }, signal): Promise<readonly Decision[]> {
        const reads = withReads(program, gate.reads);
        const draft = { text, outputCount: 1, program: reads, purpose: 'draft' as const };
        const [proposal] = await sequence('small').rows(draft, signal);
        const { tokenId: choice, ...row } = required(proposal, 'one output row');
        const score = gate.score({ tokenId: choice, ...row }, text.length, draws);
        const judged = { verified: false, score };
        if (!gate.defers(score, threshold)) {
          const kept = { tokenId: choice, origin: 'small' as const, logprob: row.logprob };
          return [{ ...judged, ...kept, proposedTokenId: null }];
        }
        const [correction] = await sequence('large').rows(
          { text, outputCount: 1, program, purpose: 'correct' },
          signal,
        );
        const { tokenId, logprob } = required(correction, 'one output row');
        return [{ ...judged, tokenId, origin: 'large', logprob, proposedTokenId: choice }];
      },
    }),
  };
}
