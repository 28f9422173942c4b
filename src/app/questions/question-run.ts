/** Options of the use cases that put many questions to a pair: evaluating, training, calibrating. */

import type { PairOptions } from '../pair-options.ts';
import type { QuestionOptions } from './load-questions.ts';

export interface QuestionRunOptions extends QuestionOptions, PairOptions {
  /** Tokens of an answer at most; default 512. */
  readonly maxTokens?: number | undefined;
  /** Questions that run side by side; default 16. */
  readonly waveSize?: number | undefined;
  /** The folder of the answers. A later run finds them there. */
  readonly folder: string;
}

export const MAX_TOKENS_DEFAULT = 512;
export const WAVE_SIZE_DEFAULT = 16;
