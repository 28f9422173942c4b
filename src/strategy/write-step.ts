/** One step of one model: up to its separator, the end of the answer, or a limit. */
import type { ModelRole } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import { joinReads, type RowReads } from '../core/row-reads.ts';
import { STEP_LIMITS, type StepLimits } from './step-boundary.ts';
import type { Round, StrategyContext } from './strategy.ts';

export interface StepWriting extends StepLimits {
  /** Values beside those that the request wants of every token. */
  readonly reads?: RowReads | undefined;
  /** The number of the draw; default 0. */
  readonly draw?: number | undefined;
}

/** @returns the rows of its tokens, at least one */
export async function writeStep(
  role: ModelRole,
  { text, tokenCountMax }: Round,
  { session, stops, tokenReads }: StrategyContext,
  writing: StepWriting,
): Promise<RowResult[]> {
  const {
    separators = STEP_LIMITS.separators,
    stepTokenCountMax = STEP_LIMITS.stepTokenCountMax,
    reads = {},
    draw,
  } = writing;
  const rows: RowResult[] = [];
  const step = session(role).write({
    text,
    until: {
      tokenCountMax: Math.min(tokenCountMax, stepTokenCountMax),
      texts: [...separators, ...stops],
    },
    purpose: role === 'small' ? 'draft' : 'correct',
    reads: joinReads(tokenReads, reads),
    draw,
  });
  for await (const row of step) rows.push(row);
  return rows;
}
