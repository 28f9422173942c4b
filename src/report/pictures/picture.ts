/** A picture before it is drawn: its data and marks, and the same in words and numbers. */
import type { TopLevelSpec } from 'vega-lite';
import type { EvaluationResult } from '../../evaluation/results.ts';

export interface Picture {
  /** Of its file, without the ending. */
  readonly name: string;
  readonly title: string;
  /** What it shows, for who cannot see it. */
  readonly alt: string;
  readonly spec: TopLevelSpec;
  /** The numbers behind it. */
  readonly numbers: NumberTable;
}

export interface NumberTable {
  readonly caption: string;
  /** How many of the columns are words; the others are read best to the right. */
  readonly textColumnCount: number;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What was asked, in one line below the title. */
export function subtitleOf(result: EvaluationResult): string {
  const { task, models, questionCount } = result;
  const screened = result.isScreened ? ', screened' : '';
  const pair = `${models.small.name} → ${models.large.name}`;
  return `${task}, n = ${questionCount} questions${screened}, ${pair}`;
}
