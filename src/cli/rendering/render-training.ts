/** A training for people: a line for each round, and the result. */
import type { Trained } from '../../app/train.ts';
import type { RoundReport } from '../../training/rounds/train-router.ts';
import type { CliIo } from '../io.ts';
import { printableText } from './printable-text.ts';

const COLUMNS = ['round', 'answers', 'tokens', 'differ', 'rollouts', 'call', 'AUC', 'of differing'];
const WIDTHS = [5, 8, 9, 7, 9, 7, 6, 12];

export const ROUND_TITLES: string = line(COLUMNS);

/** A line with its line end. */
export function renderRound(report: RoundReport): string {
  const { tokenCount, agreeCount, callShare } = report;
  const score = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
  return `${line([
    String(report.round),
    String(report.trajectoryCount),
    String(tokenCount),
    percent((tokenCount - agreeCount) / tokenCount),
    String(report.rolloutCount),
    percent(callShare),
    score(report.auc),
    score(report.aucOfDiffering),
  ])}\n`;
}

/** @param models the options that choose the pair, as `modelFlags` has them */
export function renderTrained(
  { path, router, questionCount, solvedCount }: Trained,
  models: string,
  color: CliIo['color'],
): string {
  const { strategy, calibration, defaultThreshold } = router;
  const cut = calibration?.cuts.findLast(({ threshold }) => threshold <= defaultThreshold);
  const share = cut === undefined ? '' : `, which calls ${percent(cut.share)} of the tokens`;
  const file = printableText(path);
  return [
    '',
    `The large model solved ${solvedCount} of ${questionCount} questions; labels are of those.`,
    `By default ${strategy} keeps scores from ${defaultThreshold.toPrecision(4)} on${share}.`,
    `${color.bold(file)} is the router. Use it with`,
    `  pilotfish ask${models} --head ${file} --strategy ${strategy}@10% "..."`,
    `  pilotfish eval${models} --head ${file} --strategies ${strategy},entropy,random ...`,
    '',
  ].join('\n');
}

function line(cells: readonly string[]): string {
  return cells.map((cell, column) => cell.padStart(WIDTHS[column] ?? 0)).join('  ');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
