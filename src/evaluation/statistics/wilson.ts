/**
 * Interval of a share. E. B. Wilson, "Probable inference, the law of succession, and statistical
 * inference", JASA 22 (1927): the shares p with |p - s/n| <= z sqrt(p (1 - p) / n), thus
 *
 *   (s + z²/2 ± z sqrt(s (n - s) / n + z²/4)) / (n + z²)
 *
 * It stays within [0, 1] and has a width also where nothing or everything succeeded.
 */
import { invariant } from '../../core/invariant.ts';
import { type Interval, NORMAL_975 } from './interval.ts';

/**
 * The 95 % interval of a share, from `successes` of `n`. Neither need be an integer: `n` may be the
 * size of a plain sample of the same precision. For `n` = 0 it is [0, 1].
 * @throws InvariantError unless 0 <= successes <= n, up to rounding
 */
export function wilson(successes: number, n: number): Interval {
  invariant(n >= 0 && Number.isFinite(n), `sample size ${n}`);
  const slack = 1e-9 * Math.max(1, n);
  invariant(successes >= -slack && successes <= n + slack, `${successes} successes of ${n}`);
  if (n === 0) return { low: 0, high: 1 };
  const seen = Math.min(Math.max(successes, 0), n);
  const square = NORMAL_975 ** 2;
  const reach = NORMAL_975 * Math.sqrt((seen * (n - seen)) / n + square / 4);
  const middle = seen + square / 2;
  return {
    low: seen === 0 ? 0 : Math.max(0, (middle - reach) / (n + square)),
    high: seen === n ? 1 : Math.min(1, (middle + reach) / (n + square)),
  };
}
