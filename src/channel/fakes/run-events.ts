/** Events of made-up runs. */
import {
  LOG_VERSION,
  type StartEvent,
  type TokenEvent,
  type WorkEvent,
} from '../../core/events.ts';
import { modelsById } from '../../core/model-id.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { tokenId } from '../../core/token-id.ts';

const FACTS = {
  ...{ parameterCounts: { body: 1, outputHead: 1 }, weightBytes: 1, kvBytesPerToken: 1 },
  ...{ prefillChunkRowCount: 256, prices: null },
};

/** The models are called `small` and `large`. */
export function scriptedStart(promptTokenCount: number): StartEvent {
  return {
    ...{ type: 'start', version: LOG_VERSION, strategy: 'scripted', thresholds: {}, seed: 0 },
    ...modelsById({ small: { ...FACTS, name: 'small' }, large: { ...FACTS, name: 'large' } }),
    ...{ sampling: GREEDY, promptTokenCount, maxTokens: 100, contextLength: 1000 },
  };
}

export function workOf(
  model: 'small' | 'large',
  purpose: WorkEvent['purpose'],
  computeMs: number,
  changes: Partial<WorkEvent> = {},
): WorkEvent {
  return {
    ...{ type: 'work', model, purpose, rowCounts: [1], outputRowCount: 1, reusedRowCount: 0 },
    ...{ waitedMs: 0, computeMs, bytesUp: 0, bytesDown: 0, ...changes },
  };
}

export function tokenOf(
  index: number,
  elapsedMs: number,
  changes: Partial<TokenEvent> = {},
): TokenEvent {
  return {
    ...{ type: 'token', index, tokenId: tokenId(0), text: '', origin: 'small', verified: false },
    ...{ proposedTokenId: null, score: null, logprob: null, round: index, elapsedMs },
    ...changes,
  };
}
