/** How the scores of a step's tokens, each the sigmoid of a logit, make the score of the step. */
export type Pooling = 'product' | 'minimum';

/** The logarithm of a step's score, one token after the other. It starts from 0. */
export const POOL_LOGS: Readonly<Record<Pooling, (pooled: number, log: number) => number>> = {
  product: (pooled, log) => pooled + log,
  minimum: Math.min,
};
