/** A picture before it is drawn: its data and marks, and the same content in words and numbers. */
import type { TopLevelSpec } from 'vega-lite';
import type { EvaluationResult } from '../../evaluation/results.ts';

export interface Picture {
  /** The file name, without its extension. */
  readonly name: string;
  readonly title: string;
  /** A description for readers who cannot see the picture. */
  readonly alt: string;
  readonly spec: TopLevelSpec;
  /** The numbers that the picture shows. */
  readonly numbers: NumberTable;
}

export interface NumberTable {
  readonly caption: string;
  /** The count of text columns; the others are right-aligned. */
  readonly textColumnCount: number;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The facts of the evaluation, in one line below the title. */
export function subtitleOf(result: EvaluationResult): string {
  const { task, models, questionCount } = result;
  const screened = result.isScreened ? ', screened' : '';
  const pair = `${models.small.name} → ${models.large.name}`;
  return `${task}, n = ${questionCount} questions${screened}, ${pair}`;
}
