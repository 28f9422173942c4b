/** Which schemes keep the large model's accuracy, by an evaluation of their strategies. */
import { PilotfishError } from '../../core/errors.ts';
import type { EvaluationResult, PointResult } from '../../evaluation/results.ts';
import { largeMethod } from '../../strategy/single-model.ts';
import type { UplinkOptions } from '../../strategy/strategy-options.ts';
import { shortName } from '../machine/local-profile.ts';
import { isLossless, type LinkScheme } from './schemes.ts';

/** What the schemes run with. */
export interface RunAs {
  readonly small: string;
  readonly large: string;
  readonly temperature: number;
}

/**
 * Refuses an evaluation of other answers than those of the schemes.
 * @throws PilotfishError `option-invalid`
 */
export function checkEvaluated(
  { models, temperature }: Pick<EvaluationResult, 'models' | 'temperature'>,
  run: RunAs,
  path: string,
): void {
  const pairs = [models.small.name, models.large.name, run.small, run.large].map(shortName);
  const [small, large, ownSmall, ownLarge] = pairs;
  if (small !== ownSmall || large !== ownLarge) {
    throw invalid(path, `of ${small} and ${large}`, `of ${ownSmall} and ${ownLarge}`);
  }
  if (temperature !== null && temperature !== run.temperature) {
    throw invalid(path, `at temperature ${temperature}`, `at ${run.temperature}`);
  }
}

function invalid(path: string, found: string, expected: string): PilotfishError {
  return new PilotfishError(
    'option-invalid',
    `${path} has accuracies ${found}, but the schemes run ${expected}.`,
    {
      remedy:
        'Name an evaluation of the same models at the same temperature, or leave --result out.',
      fields: { option: '--result', path },
    },
  );
}

/**
 * The accuracy as a share of the large model's: 1 for schemes with its distribution. Null: the
 * evaluation does not have the strategy at this threshold.
 * @param at the threshold that the scheme ran with
 */
export function keptAccuracy(
  scheme: LinkScheme,
  at: number | null,
  uplink: UplinkOptions,
  { results }: Pick<EvaluationResult, 'results'>,
): number | null {
  if (isLossless(scheme, uplink)) return 1;
  const { method } = scheme.value;
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
