/** Which schemes keep the large model's accuracy, by an evaluation of their strategies. */
import type { EvaluationResult, PointResult } from '../../evaluation/results.ts';
import { largeMethod } from '../../strategy/single-model.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import { isLossless, type LinkScheme } from './schemes.ts';

/**
 * The accuracy as a share of the large model's: 1 for schemes with its distribution. Null: the
 * evaluation does not have the strategy at this threshold.
 */
export function keptAccuracy(
  scheme: LinkScheme,
  uplink: UplinkOptions,
  { results }: Pick<EvaluationResult, 'results'>,
): number | null {
  if (isLossless(scheme, uplink)) return 1;
  const { method, threshold } = scheme.value;
  const at = threshold ?? method.threshold?.default ?? null;
  const own = meanAccuracy(results, (one) => one.strategy === method.name && one.threshold === at);
  const large = meanAccuracy(results, ({ strategy }) => strategy === largeMethod.name);
  return own === null || large === null || large === 0 ? null : own / large;
}

function meanAccuracy(
  results: readonly PointResult[],
  isOwn: (result: PointResult) => boolean,
): number | null {
  const own = results.filter(isOwn);
  if (own.length === 0) return null;
  return own.reduce((sum, { accuracy }) => sum + accuracy, 0) / own.length;
}
