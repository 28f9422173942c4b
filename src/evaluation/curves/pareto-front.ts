/** The points that are worth choosing for their cost and accuracy. */
import type { Place } from './curve-point.ts';

/**
 * Whether each point is on the front: no other point is at least as accurate at no more cost, and
 * better in one of the two. Points in the same place are on it together.
 */
export function paretoFront(places: readonly Place[]): boolean[] {
  return places.map(
    (own) =>
      !places.some(
        (other) =>
          other.cost <= own.cost &&
          other.accuracy >= own.accuracy &&
          (other.cost < own.cost || other.accuracy > own.accuracy),
      ),
  );
}
