/**
 * What hybrid inference takes from a pair's fit (judging/uhlm-fit.ts): the threshold of what is
 * transmitted, and how many tokens of a distribution. A fit holds for its temperature, and for draws
 * from the models' own distributions: penalties and truncations make others.
 */
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { RowResult } from '../core/row-program.ts';
import { GREEDY, penalises, type SamplingParams } from '../core/sampling-params.ts';
import { meanPerturbation } from '../judging/perturbation.ts';
import { expectedRejection } from '../judging/rejection-law.ts';
import { fittedThreshold, type UhlmFit } from '../judging/uhlm-fit.ts';
import { truncates } from '../sampling/candidates.ts';
import { smallestTokenCount } from '../sampling/truncation-bound.ts';
import type { StrategyValue } from './method.ts';
import type { StrategyOptions, UplinkOptions } from './strategy-options.ts';

/** The fits of a pair, and how a request draws. */
export type Fits = Pick<StrategyOptions, 'fits' | 'sampling'>;

export interface ChosenThreshold {
  readonly threshold: number;
  /** Why it is not that of a fit; null: it is, or it was given. */
  readonly note: string | null;
}

/** Whether a strategy asks for the fit of its pair. */
export function consultsFit(
  { method, threshold }: StrategyValue,
  uplink: UplinkOptions | undefined,
): boolean {
  if (method.fit === undefined) return false;
  return (method.fit.givesThreshold && threshold === null) || isRule(uplink?.tokenCount);
}

/** Whether the fit says how many tokens are sent. */
export function isRule(
  tokenCount: UplinkOptions['tokenCount'],
): tokenCount is 'offline' | 'online' {
  return typeof tokenCount === 'string';
}

/**
 * The risk-averse threshold of the pair's fit, or the one of the risk that was asked for. Without a fit
 * for how the request draws, or without a draft that is safe, `otherwise`.
 * @throws PilotfishError `head-missing`, `head-mismatch`, `threshold-invalid` where a risk was asked for
 *   that no fit answers
 */
export function chosenThreshold(
  { method: { name } }: Pick<StrategyValue, 'method'>,
  options: Fits & Pick<StrategyOptions, 'uplink'>,
  otherwise: number,
): ChosenThreshold {
  const asked = options.uplink?.risk;
  const fit = fitAt(options);
  if (fit === null) {
    if (asked !== undefined) throw noFit(name, options);
    return { threshold: otherwise, note: `${whyNoFit(options)}: the threshold is ${otherwise}` };
  }
  const threshold = fittedThreshold(fit, asked ?? 'averse');
  if (threshold !== null) return { threshold, note: null };
  if (asked !== undefined) throw noSafeDraft(name, fit);
  const risk = expectedRejection(fit.law, otherwise);
  const note =
    `The fit of this pair expects rejections of all drafts (b = ${digits(fit.law.intercept)}): the ` +
    `threshold is ${otherwise}, up to which ${digits(100 * risk)} % are expected at most`;
  return { threshold: otherwise, note };
}

/** The tokens to send of a distribution: k* of CU-HLM. */
export type TokenCountRule = (row: RowResult, distribution: Float64Array) => number;

/**
 * @returns null: greedy requests send no distribution
 * @throws PilotfishError `head-missing`, `head-mismatch`, `threshold-invalid`
 */
export function tokenCountRule(
  name: string,
  rule: 'offline' | 'online',
  options: Fits,
): TokenCountRule | null {
  if (samplingOf(options).temperature === 0) return null;
  const fit = fitAt(options);
  if (fit === null) throw noFit(name, options);
  const { law, truncationError, offlineTokenCount } = fit;
  if (rule === 'offline') {
    if (offlineTokenCount === null) throw noTokenCount(name, fit);
    return () => offlineTokenCount;
  }
  return (row, distribution) => {
    const gap = required(row.logitGap, 'the row program computes the gap');
    const bound = {
      expectedRejection: expectedRejection(law, meanPerturbation(row, gap)),
      threshold: truncationError,
    };
    return smallestTokenCount(distribution, row.tokenId, bound);
  };
}

function fitAt(options: Fits): UhlmFit | null {
  const { fits = [] } = options;
  const sampling = samplingOf(options);
  if (unfittedStep(sampling) !== null) return null;
  return fits.find((fit) => fit.temperature === sampling.temperature) ?? null;
}

function samplingOf({ sampling = GREEDY }: Fits): SamplingParams {
  return sampling;
}

/** A step of the sampling that changes the distributions for which fits are made; null: none does. */
function unfittedStep(sampling: SamplingParams): string | null {
  if (Object.keys(sampling.logitBias).length > 0) return 'a logit bias';
  if (penalises(sampling)) return 'penalties';
  return sampling.temperature > 0 && truncates(sampling) ? 'top-k, top-p or min-p' : null;
}

function whyNoFit(options: Fits): string {
  const { fits = [] } = options;
  if (fits.length === 0) {
    return 'No fit tells which drafts of this pair are safe (see `pilotfish fit uhlm`)';
  }
  const sampling = samplingOf(options);
  const step = unfittedStep(sampling);
  if (step !== null) return `The fit of this pair does not hold with ${step}`;
  return (
    `No fit tells which drafts of this pair are safe at temperature ${sampling.temperature} ` +
    '(see `pilotfish fit uhlm`)'
  );
}

function noFit(name: string, options: Fits): PilotfishError {
  const { fits = [] } = options;
  const sampling = samplingOf(options);
  const { temperature } = sampling;
  const remedy = `Run \`pilotfish fit uhlm --temperature ${temperature}\` for these models`;
  if (fits.length === 0) {
    return new PilotfishError('head-missing', `${name} needs a fit of U-HLM for these models.`, {
      remedy: `${remedy}, or name its file with --head.`,
      fields: { strategy: name },
    });
  }
  const step = unfittedStep(sampling);
  if (step !== null) {
    return new PilotfishError('head-mismatch', `The fit of U-HLM does not hold with ${step}.`, {
      remedy: 'Ask without, or give the threshold and the number of tokens instead.',
      fields: { strategy: name, found: step },
    });
  }
  const known = fits.map((fit) => fit.temperature).join(' and ');
  return new PilotfishError(
    'head-mismatch',
    `The fit of U-HLM was made at temperature ${known}, and this request draws at ${temperature}.`,
    {
      remedy: `${remedy}, or ask for its temperature.`,
      fields: { strategy: name, expected: known, found: temperature },
    },
  );
}

function noSafeDraft(name: string, { law }: UhlmFit): PilotfishError {
  return new PilotfishError(
    'threshold-invalid',
    `There is no risk-averse threshold for ${name}: the fit expects rejections of all drafts ` +
      `(b = ${digits(law.intercept)}).`,
    {
      remedy: `Take --risk prone, a threshold as in ${name}@0.05, or hlm, which transmits all.`,
      fields: { strategy: name, intercept: law.intercept },
    },
  );
}

function noTokenCount(name: string, { truncationError }: UhlmFit): PilotfishError {
  return new PilotfishError(
    'threshold-invalid',
    `The fit knows no number of tokens for ${name} whose error is at most ${truncationError}.`,
    {
      remedy: 'Take --uplink-tokens online or a number, or fit with a larger --truncation-error.',
      fields: { strategy: name, truncationError },
    },
  );
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}
