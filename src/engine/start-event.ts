/** The first event of a run: everything that is needed to recompute its summary. */
import { LOG_VERSION, type StartEvent } from '../core/events.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Unit } from '../core/unit.ts';
import type { Strategy } from '../strategy/strategy.ts';
import type { CheckedRequest } from './checked-request.ts';
import type { ModelSet } from './model-set.ts';

interface Started {
  readonly request: Pick<CheckedRequest, 'sampling' | 'seed' | 'grammar' | 'maxTokens'>;
  readonly prompt: readonly TokenId[];
  readonly strategy: Pick<Strategy, 'name' | 'thresholds'>;
  readonly unit?: Unit | null | undefined;
  readonly models: ModelSet;
}

/** The text that the models read, in words. */
export function promptText({ prompt, models }: Pick<Started, 'prompt' | 'models'>): string {
  return Buffer.concat(prompt.map((id) => models.tokenBytes(id))).toString('utf8');
}

export function startEvent({ request, prompt, strategy, unit, models }: Started): StartEvent {
  return {
    type: 'start',
    version: LOG_VERSION,
    ...models.costs,
    strategy: strategy.name,
    ...(unit === undefined || unit === null ? {} : { unit }),
    thresholds: strategy.thresholds,
    sampling: request.sampling,
    seed: request.seed,
    ...(request.grammar === undefined ? {} : { grammar: request.grammar.kind }),
    promptTokenCount: prompt.length,
    maxTokens: request.maxTokens,
    contextLength: models.contextLength,
  };
}
