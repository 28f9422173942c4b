/** A fit of U-HLM for people: the law, its thresholds, and what they are worth on held-out questions. */
import type { UhlmFitting } from '../../app/fit-uhlm.ts';
import type { ThresholdReport, UhlmFit } from '../../judging/uhlm-fit.ts';
import type { CliIo } from '../io.ts';
import { printableText } from './printable-text.ts';

type Fitting = Pick<UhlmFitting, 'fit' | 'path' | 'picture'>;

export function renderFit({ fit, path, picture }: Fitting, color: CliIo['color']): string {
  const { law, correlation, draftCount, temperature, heldOut } = fit;
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
    ...(heldOut === null
      ? ['Too few questions to hold some out: nothing shows what the thresholds are worth.']
      : [
          `On ${heldOut.questionCount} held-out questions (${heldOut.draftCount} drafts):`,
          heldOut.averse === null
            ? '  risk-averse: none. A rejection is expected of every draft (b >= 0), so all are transmitted.'
            : thresholdLine('risk-averse', heldOut.averse),
          thresholdLine('risk-prone', heldOut.prone),
        ]),
    `${color.bold(file)} is the fit, ${printableText(picture)} its picture. Use it with`,
    `  pilotfish ask --head ${file} --strategy uhlm --temperature ${temperature} "..."`,
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
