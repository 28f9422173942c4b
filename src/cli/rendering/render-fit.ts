/** A fit of U-HLM for people: the law, its thresholds, and what they are worth on held-out questions. */
import type { UhlmFitting } from '../../app/fit-uhlm.ts';
import type { CliIo } from '../io.ts';
import { printableText } from './printable-text.ts';

type UhlmFit = UhlmFitting['fit'];
type ThresholdReport = NonNullable<UhlmFit['heldOut']>['prone'];
type Fitting = Pick<UhlmFitting, 'fit' | 'path' | 'thresholds' | 'picture'>;

/** @param models the options that choose the pair, as `modelFlags` has them */
export function renderFit(fitting: Fitting, models: string, color: CliIo['color']): string {
  const { fit, path, picture } = fitting;
  const { law, correlation, draftCount, temperature } = fit;
  const file = printableText(path);
  const at = temperature === 0 ? 'greedy' : `at temperature ${temperature}`;
  const r = correlation === null ? '' : `, r = ${correlation.toFixed(3)}`;
  const sign = law.intercept < 0 ? '-' : '+';
  return [
    '',
    `β ≈ ${number(law.slope)} u ${sign} ${number(Math.abs(law.intercept))}${r} ` +
      `(${draftCount} drafts, ${at}).`,
    ...binLines(fit),
    ...truncationLines(fit),
    ...thresholdLines(fitting),
    `${color.bold(file)} is the fit, ${printableText(picture)} its picture. Use it with`,
    `  pilotfish ask${models} --head ${file} --strategy uhlm --temperature ${temperature} "..."`,
    '',
  ].join('\n');
}

function binLines({ bins }: UhlmFit): readonly string[] {
  const rows = bins.map(({ from, to, observed, predicted, count }) => {
    const residual = observed - predicted;
    const sign = residual < 0 ? '-' : '+';
    return (
      `  ${from.toFixed(1)}–${to.toFixed(1)}  ${observed.toFixed(3)}  ` +
      `${sign}${Math.abs(residual).toFixed(3)}  ${String(count).padStart(6)}`
    );
  });
  return ['  u        mean β residual  drafts', ...rows];
}

function truncationLines({ temperature, truncationError, offlineTokenCount }: UhlmFit) {
  if (temperature === 0) return [];
  const count = offlineTokenCount === null ? 'more than were looked at' : String(offlineTokenCount);
  return [`Tokens to send of a distribution for an error of ${truncationError} (k*): ${count}.`];
}

const NO_SAFE_DRAFT =
  '  risk-averse: none. A rejection is expected of every draft (b >= 0): hlm transmits all, and uhlm ' +
  'without a threshold takes 0.08.';

function thresholdLines({ fit: { heldOut }, thresholds }: Fitting): readonly string[] {
  if (heldOut === null) {
    const { averse, prone } = thresholds;
    return [
      'Too few questions to hold some out: nothing shows what the thresholds are worth.',
      averse === null ? NO_SAFE_DRAFT : `  risk-averse u = ${averse.toFixed(4)}`,
      `  risk-prone u = ${prone?.toFixed(4)}`,
    ];
  }
  const { questionCount, draftCount, averse, prone } = heldOut;
  return [
    `On ${questionCount} held-out questions (${draftCount} drafts):`,
    averse === null ? NO_SAFE_DRAFT : thresholdLine('risk-averse', averse),
    thresholdLine('risk-prone', prone),
  ];
}

function thresholdLine(name: string, report: ThresholdReport): string {
  const { threshold, skippedShare, expectedRisk, riskBound, observedRisk, totalVariation } = report;
  const distance = totalVariation === null ? '' : `; TV(output, y) ${number(totalVariation)}`;
  return (
    `  ${name} u = ${threshold.toFixed(4)}: ${(100 * skippedShare).toFixed(2)} % not transmitted; ` +
    `risk of those ${number(observedRisk)}, expected ${number(expectedRisk)}, ` +
    `by the law at most ${number(riskBound)}${distance}`
  );
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}
