/** The loss of each training objective. Pure. */
import { crossEntropyLoss, mixtureLoss, type RowLoss } from '../../network/loss.ts';
import type { Objective } from '../labels/targets.ts';
import { balancedWeights, type TrainingRows } from './training-rows.ts';

/** Co-LLM's supervised variant: the shares of both losses, and the weight of a wrong token. */
const SUPERVISED_SHARE = 1 / 3;
const SUPERVISED_BALANCE = 5;

export function objectiveLoss(
  objective: Objective,
  rows: TrainingRows,
  balanceMax: number,
): RowLoss {
  const { targets, weights, logSmall, logLarge } = rows;
  if (objective === 'co-llm') return mixtureLoss(logSmall, logLarge, weights);
  if (objective !== 'co-llm-supervised') {
    return crossEntropyLoss(targets, balancedWeights(rows, balanceMax));
  }
  const mixture = mixtureLoss(logSmall, logLarge, weights);
  const supervised = crossEntropyLoss(targets, weights);
  const factors = targets.map((target) => (target < 1 ? SUPERVISED_BALANCE : 1));
  const joined = (ofMixture: number, ofSupervised: number, row: number): number =>
    (1 - SUPERVISED_SHARE) * ofMixture + SUPERVISED_SHARE * (factors[row] as number) * ofSupervised;
  return {
    weights,
    loss: (logit, row) => joined(mixture.loss(logit, row), supervised.loss(logit, row), row),
    slope: (logit, row) => joined(mixture.slope(logit, row), supervised.slope(logit, row), row),
  };
}
