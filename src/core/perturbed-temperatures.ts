/** The temperatures of the perturbation by which U-HLM measures uncertainty (arXiv 2412.12687). */

/** The number of temperatures, K in the paper. */
export const PERTURBATION_COUNT = 20;
const TEMPERATURE_MAX = 2;

/** The middles of 20 equal parts of (0, 2]: without the noise of drawn ones, and nearly with their mean. */
export const PERTURBED_TEMPERATURES: Float64Array = Float64Array.from(
  { length: PERTURBATION_COUNT },
  (_, index) => (TEMPERATURE_MAX * (index + 0.5)) / PERTURBATION_COUNT,
);
