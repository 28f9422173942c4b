/** `small` and `large`: one model writes everything. The ends of every range, and the controls. */
import type { ModelRole } from '../core/events.ts';
import { required } from '../core/invariant.ts';
import { singleModelCost } from './cost-models.ts';
import type { Method } from './method.ts';
import type { Strategy } from './strategy.ts';

export const smallMethod: Method = modelAlone('small');
export const largeMethod: Method = modelAlone('large');

function modelAlone(role: ModelRole): Method {
  return {
    name: role,
    summary: `the ${role} model alone`,
    unit: null,
    controlOf: null,
    threshold: null,
    gate: null,
    head: null,
    usesStepCosts: false,
    needs: [role],
    costModels: [singleModelCost(role)],
    style: null,
    build: () => singleModel(role),
  };
}

export function singleModel(role: ModelRole): Strategy {
  return {
    name: role,
    needs: [role],
    thresholds: {},
    begin: ({ sequence, program }) => ({
      async round({ text }, signal) {
        const purpose = role === 'small' ? 'draft' : 'correct';
        const rows = await sequence(role).rows({ text, outputCount: 1, program, purpose }, signal);
        const { tokenId: choice, logprob } = required(rows[0], 'one output row');
        const decision = { tokenId: choice, origin: role, logprob };
        return [{ ...decision, verified: false, proposedTokenId: null, score: null }];
      },
    }),
  };
}
