/** A notice about methods of steps whose steps end at different texts. Pure. */
import type { Method } from '../../strategy/method.ts';
import { STEP_LIMITS } from '../../strategy/step-boundary.ts';
import type { EvaluationPair } from './evaluation-pair.ts';

/** Null where all of them end at the same texts. */
export function differingSteps(
  methods: readonly Method[],
  { rewards, strategyOptions }: Pick<EvaluationPair, 'rewards' | 'strategyOptions'>,
): string | null {
  const given = strategyOptions?.steps?.separators;
  const namesByEnd = new Map<string, string[]>();
  for (const { name, unit, head } of methods) {
    if (unit !== 'step') continue;
    const trained = head === null ? undefined : rewards.get(head.name)?.separators;
    const end = JSON.stringify(given ?? trained ?? STEP_LIMITS.separators);
    namesByEnd.set(end, [...(namesByEnd.get(end) ?? []), name]);
  }
  if (namesByEnd.size < 2) return null;
  const each = [...namesByEnd].map(([end, names]) => `those of ${names.join(', ')} at ${end}`);
  return `Steps do not end alike: ${each.join('; ')}. Give --steps to compare equal steps.`;
}
