/**
 * Token routing: the small model proposes every token. A gate scores the proposal and either keeps it or
 * lets the large model write that token. The large model reads its missed tokens when it is next called.
 * Both draw with the same noise, so at the ends of the range the text is that of one model alone: never
 * calling gives `small`, always calling gives `large`.
 */
import { required } from '../core/invariant.ts';
import { joinReads } from '../core/row-reads.ts';
import { defers, type Gate } from '../judging/gate.ts';
import { tokenRoutingCost } from './cost-models.ts';
import { type Method, type ThresholdFacts, thresholdOf } from './method.ts';
import type { Decision, Strategy } from './strategy.ts';
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
    build: (value) => tokenRouting(gate, thresholdOf(value), threshold.name),
  };
}

export function tokenRouting(gate: Gate, threshold: number, thresholdName: string): Strategy {
  return {
    name: gate.name,
    needs: { small: { reads: gate.reads, outputRowCount: 1 }, large: { outputRowCount: 1 } },
    thresholds: { [thresholdName]: threshold },
    begin: (context) => {
      const { session, tokenReads } = context;
      const proposalReads = joinReads(tokenReads, gate.reads);
      return {
        async round({ text }): Promise<readonly Decision[]> {
          const [proposed] = await session('small').rows({
            ...{ text, outputCount: 1, purpose: 'draft', reads: proposalReads },
          });
          const proposal = required(proposed, 'one output row');
          const score = gate.score(proposal, text.length, context);
          if (!defers(gate.deferralSide, score, threshold)) {
            return [{ ...writtenBy('small', proposal), score }];
          }
          const [corrected] = await session('large').rows({
            ...{ text, outputCount: 1, purpose: 'correct', reads: tokenReads },
          });
          const correction = writtenBy('large', required(corrected, 'one output row'));
          return [{ ...correction, proposedTokenId: proposal.tokenId, score }];
        },
      };
    },
  };
}
