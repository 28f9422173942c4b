/** A calibration for people: the results of each threshold, and the new default. */
import type { Calibrated } from '../../app/calibrate.ts';
import type { CliIo } from '../io.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';

export function renderCalibration(
  { path, kind, head, calibration, isGraded, agreement }: Calibrated,
  picture: string,
  color: CliIo['color'],
): string {
  const isRouter = kind === 'router';
  const share = isRouter ? 'large share' : 'rejected steps';
  const titles = ['threshold', share, 'as the large model', 'gap recovered'];
  const rows = calibration.points.map(
    ({ threshold, agreement: agrees, gapRecovered, ...point }) => [
      String(threshold),
      percent(point.share),
      percent(agrees),
      gapRecovered === null ? '–' : percent(gapRecovered),
    ],
  );
  const error = agreement.expectedCalibrationError;
  return [
    `${color.bold(head.strategy)} on ${printableText(calibration.on)}`,
    plainTable([titles.map((title) => color.bold(title)), ...rows], 'right').trimEnd(),
    '',
    ...(isGraded
      ? []
      : ['Answers could not be graded: quality is agreement with the large model.']),
    `By default it now keeps scores from ${Number(head.defaultThreshold.toPrecision(4))} on.`,
    `Scores are off the rate of ${isRouter ? 'agreement' : 'harmless steps'} by ` +
      `${error === null ? '–' : percent(error)} on average.`,
    `${color.bold(printableText(path))} is the calibrated ${isRouter ? 'router' : 'reward'}.`,
    `${printableText(picture)} shows what its scores mean.`,
    '',
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
