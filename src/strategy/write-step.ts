/** One step of one model: up to its separator, the end of the answer, or a limit. */
import type { ModelRole } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import { joinReads, type RowReads } from '../core/row-reads.ts';
import type { RowsRequest, Session } from '../session/session.ts';
import { STEP_LIMITS, type StepLimits } from './step-boundary.ts';
import type { Round, StrategyContext } from './strategy.ts';

export interface StepWriting extends StepLimits, Pick<RowsRequest, 'draw' | 'temperature'> {
  /** Values beside those that the request wants of every token. */
  readonly reads?: RowReads | undefined;
  /** A branch of the model's session; default: the session itself. */
  readonly session?: Session | undefined;
  /** Called with every row. If it returns true, the step ends there. */
  readonly onRow?: ((row: RowResult) => boolean) | undefined;
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
    temperature,
    onRow,
  } = writing;
  const rows: RowResult[] = [];
  const step = (writing.session ?? session(role)).write({
    text,
    until: {
      tokenCountMax: Math.min(tokenCountMax, stepTokenCountMax),
      texts: [...separators, ...stops],
    },
    purpose: role === 'small' ? 'draft' : 'correct',
    reads: joinReads(tokenReads, reads),
    ...{ draw, temperature },
  });
  for await (const row of step) {
    rows.push(row);
    if (onRow?.(row) === true) break;
  }
  return rows;
}
