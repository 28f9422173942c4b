/**
 * Whether two ways of answering the same questions are equally good. Only the questions that one alone
 * gets right tell; if both are equally good, each of these falls to either side with chance 1/2 (Q.
 * McNemar, Psychometrika 12, 1947; here with the exact binomial distribution). The mid-p variant is less
 * conservative: M. Fagerland et al., BMC Medical Research Methodology 13:91 (2013).
 */
import { binomialDistribution } from 'simple-statistics';
import { invariant, present } from '../../core/invariant.ts';

export type McNemarVariant = 'exact' | 'mid-p';

/**
 * The two-sided p-value, with k the smaller count and X binomial(n, 1/2), n the sum of both:
 * `exact` min(1, 2 P(X <= k)); `mid-p` 2 P(X < k) + P(X = k). 1 without any such question.
 * @param onlyFirst questions that the first alone gets right
 * @param onlySecond questions that the second alone gets right
 */
export function mcnemar(
  onlyFirst: number,
  onlySecond: number,
  variant: McNemarVariant = 'exact',
): number {
  for (const count of [onlyFirst, onlySecond]) {
    invariant(Number.isInteger(count) && count >= 0, `a count of questions is ${count}`);
  }
  const n = onlyFirst + onlySecond;
  if (n === 0) return 1;
  const cells = present(binomialDistribution(n, 0.5), `no binomial distribution of ${n}`);
  const smaller = Math.min(onlyFirst, onlySecond);
  let below = 0;
  for (let count = 0; count < smaller; count += 1) below += cells[count] ?? 0;
  const here = cells[smaller] ?? 0;
  return Math.min(1, variant === 'exact' ? 2 * (below + here) : 2 * below + here);
}
