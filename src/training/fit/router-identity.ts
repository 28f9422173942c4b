/** What the training of a router's network depends on. */
import type { Objective } from '../labels/targets.ts';
import type { FitSettings } from './fit-router.ts';
import type { TrainingIdentity } from './kept-checkpoint.ts';
import type { TrainingRows } from './training-rows.ts';

export interface RouterTraining {
  readonly objective: Objective;
  readonly fit: FitSettings;
  readonly rows: TrainingRows;
}

export function routerIdentity({ objective, fit, rows }: RouterTraining): TrainingIdentity {
  const { targets, weights, logSmall, logLarge, dataset } = rows;
  const { features, groups } = dataset;
  const arrays = [targets, weights, logSmall, logLarge, features, groups];
  return { settings: [objective, fit], arrays };
}
