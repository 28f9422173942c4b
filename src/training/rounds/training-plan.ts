/** How a router is trained: the settings that a user may choose, and what holds where none is chosen. */
import type { ModelRole } from '../../core/model-id.ts';
import type { Objective } from '../labels/targets.ts';

export interface TrainingPlan {
  /** What the router is trained towards; default `citer`. */
  readonly objective: Objective;
  /** Rounds of labels and training; default 2. Only objectives with rollouts have more than one. */
  readonly roundCount: number;
  /** Rollouts of each branch; default 1, which is greedy. */
  readonly drawCount: number;
  /** Rollouts of one round at most; default 200,000. */
  readonly rolloutCountMax: number;
  /** Positions of an answer that are judged, at most; default 24. */
  readonly positionCountMax: number;
  /** Which model goes on behind branches in the first round; default `small`, as in the paper. */
  readonly firstPolicy: ModelRole;
  /** Seed of everything random; default 1. */
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
