/** The options of RSD beside its threshold. */
import type { StepLimits } from './step-boundary.ts';
import type { WeightingName } from './weighting.ts';

export interface RsdOptions extends StepLimits {
  /** Default `binary`. */
  readonly weighting?: WeightingName | undefined;
}
