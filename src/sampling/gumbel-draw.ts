/**
 * Draws from softmax(logits / temperature) as argmax(logit / temperature + Gumbel noise), with the
 * noise keyed by position and token. If two models use the same noise, their draws agree as often as
 * their distributions allow cheaply (shared-noise coupling, arXiv 2408.07978).
 *
 * `drawFromAll` is the plain loop's twin for a whole vocabulary. It finds the same maximum but takes
 * two logarithms only for entries that can still win: an entry `gap` below the best needs Gumbel
 * noise above `gap`, and thus a uniform above exp(-exp(-gap)) >= 1 - exp(-gap).
 */
import { GUMBEL_MAX, gumbelFromBits, mix, type NoiseKey, noiseGumbel } from '../core/noise.ts';
import { argmax } from './row-statistics.ts';

/**
 * The plain loop over some ids, at least one. It is also the oracle of `drawFromAll`. The first id
 * wins ties, also if a temperature near 0 sends every value to minus infinity.
 */
export function drawFrom(
  ids: Iterable<number>,
  logits: ArrayLike<number>,
  temperature: number,
  key: NoiseKey,
): number {
  let best = -1;
  let bestValue = Number.NEGATIVE_INFINITY;
  for (const id of ids) {
    const value = (logits[id] as number) / temperature + noiseGumbel(key, id);
    if (best < 0 || value > bestValue) {
      bestValue = value;
      best = id;
    }
  }
  return best;
}

const BUCKETS_PER_NAT = 4;
/** The gap can be negative: the smallest Gumbel noise from 32 bits is -ln(ln(2^33)) = -3.13. */
const GAP_MIN = -4;
/** Entry b bounds exp(-gap) from above for the gaps in bucket b, in units of 2^-32. */
const REST_MAX = Float64Array.from(
  { length: Math.ceil((GUMBEL_MAX - GAP_MIN) * BUCKETS_PER_NAT) + 1 },
  (_, bucket) => Math.exp(-(bucket / BUCKETS_PER_NAT + GAP_MIN)) * 4294967296,
);

export function drawFromAll(
  logits: Float32Array,
  size: number,
  temperature: number,
  key: NoiseKey,
): number {
  let best = argmax(logits, size);
  let bestValue = (logits[best] as number) / temperature + noiseGumbel(key, best);
  const { a, b } = key;
  for (let id = 0; id < size; id += 1) {
    const gap = bestValue - (logits[id] as number) / temperature;
    if (!(gap < GUMBEL_MAX)) continue;
    const bits = mix(id, a, b);
    const bucket = ((gap - GAP_MIN) * BUCKETS_PER_NAT) | 0;
    if (4294967296 - bits - 0.5 > (REST_MAX[bucket] as number)) continue;
    const value = (logits[id] as number) / temperature + gumbelFromBits(bits);
    if (value > bestValue || (value === bestValue && id < best)) {
      bestValue = value;
      best = id;
    }
  }
  return best;
}
