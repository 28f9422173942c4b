/** How an answer goes on whose large model, elsewhere, does not answer any more. */
import { type ErrorCode, PilotfishError } from '../core/errors.ts';
import { singleModel } from '../strategy/single-model.ts';
import type { Decoder, Strategy, StrategyContext } from '../strategy/strategy.ts';

/** `stop`: the request fails with what it has; `small`: the small model writes the rest alone. */
export type LargeFailurePolicy = 'stop' | 'small';

const AWAY: readonly ErrorCode[] = ['server-unreachable', 'server-invalid', 'hub-unreachable'];

export function isLargeAway(error: unknown): error is PilotfishError {
  return PilotfishError.isInstance(error) && AWAY.includes(error.code);
}

/** The strategy with room for the small model, in case that it must go on alone. */
export function withSmallAlone(strategy: Strategy): Strategy {
  return { ...strategy, needs: { small: {}, ...strategy.needs } };
}

/** The small model alone; every token says so. */
export function smallAlone(context: StrategyContext, why: PilotfishError): Decoder {
  const decoder = singleModel('small').begin(context);
  return {
    async round(round) {
      const decisions = await decoder.round(round);
      return decisions.map((decision) => ({ ...decision, isOffline: true }));
    },
    notes: () => [`the small model wrote the rest alone: ${why.message}`],
  };
}
