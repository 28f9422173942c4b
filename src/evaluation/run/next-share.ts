/**
 * Where the next point of a curve belongs: in the middle of the stretch on which accuracy changes most.
 * So points gather where a curve rises, which on one pair is at shares of 2 to 15 %, on another
 * elsewhere, and not where it is flat. Pure.
 */
export interface SharePoint {
  readonly share: number;
  readonly accuracy: number;
}

/** Shares that a curve begins with: the fewer, the more are put where it rises. */
export const FIRST_SHARES: readonly number[] = [0.1, 0.4];

/** Closer points say nothing new. */
const STRETCH_MIN = 0.005;

/**
 * @param points both ends (0, small) and (1, large) among them
 * @returns null where no stretch is left that is wide enough
 */
export function nextShare(points: readonly SharePoint[]): number | null {
  const order = [...points].sort((a, b) => a.share - b.share);
  const stretches = order.slice(1).flatMap((to, index) => {
    const from = order[index];
    if (from === undefined || to.share - from.share < 2 * STRETCH_MIN) return [];
    const rise = Math.abs(to.accuracy - from.accuracy);
    return [{ middle: (from.share + to.share) / 2, rise, width: to.share - from.share }];
  });
  const [first, ...others] = stretches;
  if (first === undefined) return null;
  const isBetter = (a: typeof first, b: typeof first): boolean =>
    a.rise > b.rise || (a.rise === b.rise && a.width > b.width);
  return others.reduce((best, one) => (isBetter(one, best) ? one : best), first).middle;
}
