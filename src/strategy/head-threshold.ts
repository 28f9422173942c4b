/** The threshold of a method with a trained head. */
import { thresholdForShare } from '../judging/calibration.ts';
import type { HeadFacts } from '../judging/head.ts';
import { invalidThreshold } from './invalid-threshold.ts';
import type { StrategyValue } from './method.ts';

/**
 * Returns the given threshold; for a share of tokens (of steps, for a reward), the head's calibrated
 * threshold; for neither, the head's default.
 * @throws PilotfishError `threshold-invalid` for a share if the head was not calibrated
 */
export function headThreshold(
  { calibration, defaultThreshold }: Pick<HeadFacts, 'calibration' | 'defaultThreshold'>,
  { method, threshold, share, text }: StrategyValue,
): number {
  if (threshold !== null) return threshold;
  if (share === null) return defaultThreshold;
  if (calibration !== null)
    return thresholdForShare(calibration, share, method.head?.kind === 'reward' ? 'step' : 'token');
  const why = 'its head was not calibrated';
  throw invalidThreshold(text, why, 'Run `pilotfish calibrate` on it.');
}
