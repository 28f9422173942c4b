/**
 * Temperature scaling (Guo et al., 2017): one number divides all logits, so that probabilities match
 * observed shares. It does not change the order of rows.
 */
import { invariant } from '../core/invariant.ts';
import { sigmoid } from './loss.ts';

/** Bounds of the search: logits without information would be divided by infinity. */
const TEMPERATURE_MIN = 0.01;
const TEMPERATURE_MAX = 100;
const STEP_COUNT = 100;
const TOLERANCE = 1e-12;

/**
 * The temperature T that minimises the weighted cross-entropy of sigmoid(logit / T), within [0.01,
 * 100]; 1 if all temperatures are equally good.
 * @param targets [rowCount] soft labels in [0, 1]
 */
export function temperatureScale(
  logits: Float32Array,
  targets: Float32Array,
  weights: Float32Array,
): number {
  const fits = targets.length === logits.length && weights.length === logits.length;
  invariant(fits, 'each row has a logit, a target and a weight');
  if (logits.every((logit, row) => logit === 0 || weights[row] === 0)) return 1;
  // The loss is convex in 1 / T: Newton's steps, kept between bounds that the sign of the slope
  // narrows.
  let low = 1 / TEMPERATURE_MAX;
  let high = 1 / TEMPERATURE_MIN;
  let inverse = 1;
  for (let step = 0; step < STEP_COUNT && high - low > TOLERANCE * inverse; step += 1) {
    const { slope, curvature } = derivatives(logits, targets, weights, inverse);
    if (slope === 0) break;
    if (slope > 0) high = inverse;
    else low = inverse;
    const next = inverse - slope / curvature;
    const before = inverse;
    inverse = next > low && next < high ? next : Math.sqrt(low * high);
    if (Math.abs(inverse - before) <= TOLERANCE * inverse) break;
  }
  return 1 / inverse;
}

/** The derivatives of the cross-entropy with respect to the inverse temperature. */
function derivatives(
  logits: Float32Array,
  targets: Float32Array,
  weights: Float32Array,
  inverse: number,
): { readonly slope: number; readonly curvature: number } {
  let [slope, curvature] = [0, 0];
  for (let row = 0; row < logits.length; row += 1) {
    const [logit, weight] = [logits[row] as number, weights[row] as number];
    const share = sigmoid(logit * inverse);
    slope += weight * logit * (share - (targets[row] as number));
    curvature += weight * logit * logit * share * (1 - share);
  }
  return { slope, curvature };
}
