/** A small evaluation of the pocket pair, as the command runs it. */
import { join } from 'node:path';
import type { EvaluateOptions } from '../../src/app/evaluate.ts';
import { runs } from '../runs.ts';

export const QUESTION_COUNT: number = runs(4, 6);

/** @param base a temporary folder, which also holds the home of rows */
export function pocketEvaluation(
  base: string,
  name: string,
  options: Partial<EvaluateOptions> = {},
): EvaluateOptions {
  return {
    ...{ pair: 'pocket', task: 'pocket', count: QUESTION_COUNT, home: join(base, 'home') },
    ...{ strategies: ['entropy', 'random', 'cascade'], shares: [0.2], seedCount: 1 },
    ...{ maxTokens: 160, waveSize: 4, threadCount: 1, keepsRows: false, offline: true },
    ...{ folder: join(base, name), ...options },
  };
}
