/**
 * The costs of a forward from the data sheet of a machine (the roofline model: Williams, Waterman,
 * Patterson 2009). A forward waits for memory or for arithmetic, whichever takes longer:
 *
 *    max((weight bytes + cached tokens · KV bytes) / bandwidth, 2·N·rows / peak) / efficiency + launch
 *
 * It is a prediction, never a measurement: good for orders of magnitude and for the points at which
 * methods begin to pay.
 */
import type { ParameterCounts } from '../core/events.ts';
import type { ForwardCosts, ForwardShape } from './forward-costs.ts';
import type { PredictedProfile } from './machine-profile.ts';

const MS_PER_SECOND = 1000;
/** A multiplication and an addition. */
const FLOPS_PER_PARAMETER = 2;

/** The facts about a model that a prediction needs. */
export interface RooflineModel {
  readonly weightBytes: number;
  readonly parameterCounts: ParameterCounts;
  /** Keys and values of one token in all layers; 0 if unknown. */
  readonly kvBytesPerToken: number;
}

export function rooflineCosts(profile: PredictedProfile, model: RooflineModel): ForwardCosts {
  const { bytesPerSecond, flopsPerSecond, efficiency, launchMs } = profile.roofline;
  return {
    forwardMs: (shape) => {
      const seconds = Math.max(
        bytesOf(model, shape) / bytesPerSecond,
        flopsOf(model, shape) / flopsPerSecond,
      );
      return (MS_PER_SECOND * seconds) / efficiency + launchMs;
    },
    overheadMs: 0,
    readingMs: { logprob: 0, uncertainty: 0, draw: 0 },
  };
}

function bytesOf(model: RooflineModel, { rowCount, cachedTokenCount }: ForwardShape): number {
  return model.weightBytes + (cachedTokenCount + rowCount) * model.kvBytesPerToken;
}

function flopsOf(
  { parameterCounts }: RooflineModel,
  { rowCount, outputRowCount }: ForwardShape,
): number {
  const { body, outputHead } = parameterCounts;
  return FLOPS_PER_PARAMETER * (rowCount * body + outputRowCount * outputHead);
}
