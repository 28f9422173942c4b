/** Divides the sequences of a model in a training between labels and answers. */
import { waveSizeMax } from '../evaluation/run/sequence-counts.ts';

/** Trajectories whose forks are open at the same time. */
export const FORK_POINT_COUNT = 8;
/** Branches that are rolled out side by side. */
export const BRANCH_COUNT = 16;
/** The sequences for labels, beside those that answers are written in. */
export const LABEL_SEQUENCE_COUNT: number = FORK_POINT_COUNT + BRANCH_COUNT;
/** Questions that are answered side by side. */
export const TRAINING_WAVE_SIZE_MAX: number = waveSizeMax(LABEL_SEQUENCE_COUNT);
