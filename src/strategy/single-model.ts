/** `small` and `large`: one model writes everything. They are the ends of every range, and controls. */

import { invariant } from '../core/invariant.ts';
import type { ModelRole } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import { singleModelCost } from './cost-models.ts';
import type { Method } from './method.ts';
import type { Strategy } from './strategy.ts';
import { writtenBy } from './written-by.ts';

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

/** One stream of the model for the whole answer: a single call to a remote model. */
export function singleModel(role: ModelRole): Strategy {
  return {
    name: role,
    needs: { [role]: {} },
    thresholds: {},
    begin: ({ session, tokenReads, stops }) => {
      let stream: AsyncIterator<RowResult, void> | null = null;
      return {
        async round({ text, tokenCountMax }) {
          const until = { tokenCountMax, texts: stops };
          const purpose = role === 'small' ? ('draft' as const) : ('correct' as const);
          stream ??= session(role).write({ text, until, purpose, reads: tokenReads });
          const next = await stream.next();
          invariant(next.done !== true, 'a stream ends where its answer does');
          return [writtenBy(role, next.value)];
        },
      };
    },
  };
}
