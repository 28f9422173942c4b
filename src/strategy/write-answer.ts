/** The whole answer of one model, up to its end, a stop string or a limit. */
import type { RowResult } from '../core/row-program.ts';
import { joinReads, type RowReads } from '../core/row-reads.ts';
import type { RowsRequest, Session } from '../session/session.ts';
import type { Round, StrategyContext } from './strategy.ts';

export interface AnswerWriting extends Pick<RowsRequest, 'draw' | 'temperature'> {
  /** Values beside those that the request wants of every token. */
  readonly reads?: RowReads | undefined;
}

/** @returns the rows of its tokens, at least one */
export async function writeAnswer(
  session: Session,
  { text, tokenCountMax }: Round,
  { tokenReads, stops }: StrategyContext,
  { reads = {}, draw, temperature }: AnswerWriting = {},
): Promise<RowResult[]> {
  const rows: RowResult[] = [];
  const answer = session.write({
    ...{ text, until: { tokenCountMax, texts: stops }, purpose: 'draft' },
    ...{ reads: joinReads(tokenReads, reads), draw, temperature },
  });
  for await (const row of answer) rows.push(row);
  return rows;
}
