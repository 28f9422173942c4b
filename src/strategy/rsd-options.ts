/** The options of RSD beside its threshold. */
import { PilotfishError } from '../core/errors.ts';
import type { StepReward } from '../judging/step-reward.ts';
import { checkOption } from './check-option.ts';
import { checkStepLimits, type StepLimits } from './step-boundary.ts';
import { WEIGHTINGS, type WeightingName } from './weighting.ts';

export interface RsdOptions extends StepLimits {
  /** Default `binary`. */
  readonly weighting?: WeightingName | undefined;
  /** Drafts of each step, from 1 to `DRAFT_COUNT_MAX`: the one with the best reward is judged; default 1. */
  readonly draftCount?: number | undefined;
  /**
   * Score a correction, too, and keep the rejected draft if its reward is higher. Steps then no longer
   * follow P_RSD. Default false.
   */
  readonly judgesCorrections?: boolean | undefined;
  /**
   * End a draft as soon as it is certain to be rejected, which a reward that never rises with further
   * tokens can tell. Default false.
   */
  readonly endsDraftsEarly?: boolean | undefined;
}

export const DRAFT_COUNT_MAX = 16;

/** Whether a step is accepted iff its reward reaches the threshold. */
export function isThreshold({ weighting = 'binary' }: Pick<RsdOptions, 'weighting'>): boolean {
  return weighting === 'binary';
}

/** @throws PilotfishError `option-invalid` */
export function checkRsdOptions(
  options: RsdOptions,
  { name, running }: Pick<StepReward, 'name' | 'running'>,
): void {
  checkStepLimits(options);
  const { draftCount, weighting = 'binary', endsDraftsEarly = false } = options;
  checkOption('draftCount', draftCount, {
    holds: (value) => Number.isSafeInteger(value) && value >= 1 && value <= DRAFT_COUNT_MAX,
    says: `an integer from 1 to ${DRAFT_COUNT_MAX}`,
  });
  if (!Object.hasOwn(WEIGHTINGS, weighting)) throw unknownWeighting(weighting);
  if (endsDraftsEarly && running === undefined) throw mayRise(name);
}

function unknownWeighting(weighting: string): PilotfishError {
  return new PilotfishError('option-invalid', `There is no weighting "${weighting}".`, {
    remedy: `Choose one of ${Object.keys(WEIGHTINGS).join(', ')}.`,
    fields: { option: 'weighting', value: weighting },
  });
}

function mayRise(name: string): PilotfishError {
  return new PilotfishError(
    'option-invalid',
    `${name} cannot end drafts early: its reward of a step may rise with further tokens.`,
    {
      remedy: 'Leave the option out, or choose a strategy whose reward is a product or a minimum.',
      fields: { option: 'endsDraftsEarly', strategy: name },
    },
  );
}
