/** A trained reward for people: what it learnt from, how well it ranks steps, and how to use it. */
import type { RewardTraining } from '../../app/train-reward.ts';
import type { CliIo } from '../io.ts';
import { printableText } from './printable-text.ts';

/** @param models the options that choose the pair, as `modelFlags` has them */
export function renderReward(
  { path, report, reward }: RewardTraining,
  models: string,
  color: CliIo['color'],
): string {
  const { strategy, calibration, defaultThreshold } = reward;
  const point = calibration?.points.find(({ threshold }) => threshold === defaultThreshold);
  const file = printableText(path);
  const score = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
  const rejects = point === undefined ? '' : `, which rejects ${percent(point.share)} of the steps`;
  const { bestOf } = report;
  return [
    '',
    `${report.questionCount} questions: the small model alone is right on ` +
      `${percent(report.smallAccuracy)}, the large one on ` +
      `${percent(report.largeAccuracy)}, the best mixture of their steps on ` +
      `${percent(report.bestAccuracy)}.`,
    `${report.stepCount} steps of the small model at ${report.stateCount} states; ` +
      `${percent(report.harmfulShare)} do harm.`,
    `Held-out questions: AUC ${score(report.auc)} where something can be lost, ` +
      `${score(report.aucOfDiffering)} where the steps differ; ` +
      `calibration error ${score(report.calibrationError)}.`,
    ...(bestOf === null
      ? []
      : [
          `Best of ${bestOf.answerCount} drawn answers by the reward: ${percent(bestOf.accuracy)} right, ` +
            `${percent(bestOf.meanAccuracy)} in the mean, ${percent(bestOf.anyAccuracy)} with any right ` +
            `(${bestOf.questionCount} questions, temperature ${bestOf.temperature}).`,
        ]),
    `By default ${strategy} accepts rewards from ${defaultThreshold.toPrecision(4)} on${rejects}.`,
    `${color.bold(file)} is the reward. Use it with`,
    `  pilotfish ask${models} --head ${file} --strategy ${strategy} "..."`,
    `  pilotfish eval${models} --head ${file} --strategies ${strategy},rsd-likelihood,random-step ...`,
    '',
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
