/** Sequences of a model in an evaluation, and what they leave for questions. */

import { SEQUENCE_COUNT_LIMIT } from '../../model/sequence-count-limit.ts';

/** Evidence is read in some of its own. */
export const SPARE_SEQUENCE_COUNT = 2;
/** Of what all prompts begin with. */
export const PREFIX_SEQUENCE_COUNT = 1;
/** Questions side by side. */
export const WAVE_SIZE_MAX: number =
  SEQUENCE_COUNT_LIMIT - SPARE_SEQUENCE_COUNT - PREFIX_SEQUENCE_COUNT;
