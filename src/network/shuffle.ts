/** A seeded order (Fisher–Yates). */
import { type NoisePurpose, noiseKey, noiseUniform } from '../core/noise.ts';

/** The same numbers in another order, which depends on seed, purpose and position alone. */
export function shuffled(
  numbers: Int32Array,
  seed: number,
  purpose: NoisePurpose,
  position = 0,
): Int32Array {
  const key = noiseKey(seed, position, purpose);
  const order = numbers.slice();
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(noiseUniform(key, last) * (last + 1));
    const moved = order[last] as number;
    order[last] = order[other] as number;
    order[other] = moved;
  }
  return order;
}
