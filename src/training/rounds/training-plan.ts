/** How a router is trained: the settings that a user may choose, with their defaults. */
import type { ModelRole } from '../../core/model-id.ts';
import type { Objective } from '../labels/targets.ts';

export interface TrainingPlan {
  /** The training objective; default `citer`. */
  readonly objective: Objective;
  /** Rounds of labels and training; default 2. Only objectives with rollouts have more than one. */
  readonly roundCount: number;
  /** Rollouts of each branch; default 1, which is greedy. */
  readonly drawCount: number;
  /** The most rollouts of one round; default 200,000. */
  readonly rolloutCountMax: number;
  /** The most positions of an answer that are judged; default 24. */
  readonly positionCountMax: number;
  /** The model that continues branches in the first round; default `small`, as in the paper. */
  readonly firstPolicy: ModelRole;
  /** The seed of all randomness; default 1. */
  readonly seed: number;
}

export const TRAINING_PLAN: TrainingPlan = {
  objective: 'citer',
  roundCount: 2,
  drawCount: 1,
  rolloutCountMax: 200_000,
  positionCountMax: 24,
  firstPolicy: 'small',
  seed: 1,
};
