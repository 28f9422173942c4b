/** A calibration for people: the results of each threshold, and the new default. */
import type { Calibrated } from '../../app/calibrate.ts';
import type { CliIo } from '../io.ts';
import { plainTable } from './plain-table.ts';
import { printableText } from './printable-text.ts';

export function renderCalibration(
  { path, router, calibration, isGraded, agreement }: Calibrated,
  picture: string,
  color: CliIo['color'],
): string {
  const titles = ['threshold', 'large share', 'as the large model', 'gap recovered'];
  const rows = calibration.points.map(({ threshold, share, agreement: agrees, gapRecovered }) => [
    String(threshold),
    percent(share),
    percent(agrees),
    gapRecovered === null ? '–' : percent(gapRecovered),
  ]);
  const error = agreement.expectedCalibrationError;
  return [
    `${color.bold(router.strategy)} on ${printableText(calibration.on)}`,
    plainTable([titles.map((title) => color.bold(title)), ...rows], 'right').trimEnd(),
    '',
    ...(isGraded
      ? []
      : ['Answers could not be graded: quality is agreement with the large model.']),
    `By default it now keeps scores from ${Number(router.defaultThreshold.toPrecision(4))} on.`,
    `Scores are off the rate of agreement by ${error === null ? '–' : percent(error)} on average.`,
    `${color.bold(printableText(path))} is the calibrated router.`,
    `${printableText(picture)} shows what its scores mean.`,
    '',
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
