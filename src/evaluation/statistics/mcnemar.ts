/**
 * Tests whether two ways to answer the same questions are equally good. Only discordant questions
 * count, which only one of the two gets right. If both are equally good, each of these falls to
 * either side with chance 1/2 (Q. McNemar, Psychometrika 12, 1947; here with the exact binomial
 * distribution).
 */
import { binomialDistribution } from 'simple-statistics';
import { invariant, required } from '../../core/invariant.ts';

/**
 * The two-sided p-value min(1, 2 P(X <= k)), where k is the smaller count, n the sum of both and X
 * binomial(n, 1/2). 1 without any discordant question.
 * @param onlyFirst questions that only the first gets right
 * @param onlySecond questions that only the second gets right
 */
export function mcnemar(onlyFirst: number, onlySecond: number): number {
  for (const count of [onlyFirst, onlySecond]) {
    invariant(Number.isInteger(count) && count >= 0, `a count of questions is ${count}`);
  }
  const n = onlyFirst + onlySecond;
  if (n === 0) return 1;
  const cells = required(binomialDistribution(n, 0.5), `no binomial distribution of ${n}`);
  const smaller = Math.min(onlyFirst, onlySecond);
  let tail = 0;
  for (let count = 0; count <= smaller; count += 1) tail += cells[count] ?? 0;
  return Math.min(1, 2 * tail);
}
