/** Wilson's score interval for a share (Wilson 1927): sound at 0, at 1 and for few trials. */

/** The normal quantile of a two-sided 95 % interval. */
const Z = 1.959963984540054;

/** Of `hits` among `trials`, as fractions. Without trials nothing is known: 0 to 1. */
export function wilson95(hits: number, trials: number): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 };
  const share = hits / trials;
  const spread = (Z * Z) / trials;
  const middle = (share + spread / 2) / (1 + spread);
  const half = (Z * Math.sqrt((share * (1 - share) + spread / 4) / trials)) / (1 + spread);
  // Rounding must not push an end past what was seen.
  return {
    low: hits === 0 ? 0 : Math.max(0, middle - half),
    high: hits === trials ? 1 : Math.min(1, middle + half),
  };
}
