/**
 * Finds the next point of a curve: the middle of the stretch where least is known. Between two
 * points a rising curve lies somewhere in their rectangle, so the stretch with the largest
 * rectangle (width × rise) is taken. Points gather where a curve rises: at shares of 2 to 15 % on
 * one pair, elsewhere on another. A long stretch counts even if it rises little: the last tenth of
 * the gap may lie on it. Pure.
 */
export interface SharePoint {
  readonly share: number;
  readonly accuracy: number;
}

/** The first shares of a curve; with fewer of them, more points go where the curve rises. */
export const FIRST_SHARES: readonly number[] = [0.1, 0.4];

/** Closer points add no information. */
const STRETCH_MIN = 0.005;

/**
 * @param points includes both ends: (0, small) and (1, large)
 * @returns null where no stretch is wide enough
 */
export function nextShare(points: readonly SharePoint[]): number | null {
  const order = [...points].sort((a, b) => a.share - b.share);
  const stretches = order.slice(1).flatMap((to, index) => {
    const from = order[index];
    if (from === undefined || to.share - from.share < 2 * STRETCH_MIN) return [];
    const width = to.share - from.share;
    const area = width * Math.abs(to.accuracy - from.accuracy);
    return [{ middle: (from.share + to.share) / 2, area, width }];
  });
  const [first, ...others] = stretches;
  if (first === undefined) return null;
  const isBetter = (a: typeof first, b: typeof first): boolean =>
    a.area > b.area || (a.area === b.area && a.width > b.width);
  return others.reduce((best, one) => (isBetter(one, best) ? one : best), first).middle;
}
