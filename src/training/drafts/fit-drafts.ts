/** From observed drafts to the law, its bins, and what thresholds and truncations give. Pure. */
import { PilotfishError } from '../../core/errors.ts';
import {
  expectedRejection,
  leastSquares,
  type RejectionLaw,
  riskBound,
} from '../../judging/rejection-law.ts';
import {
  type FitBin,
  fittedThreshold,
  type HeldOutReport,
  type ThresholdReport,
  type UhlmFitFacts,
} from '../../judging/uhlm-fit.ts';
import { smallestTokenCountWithin, truncationScale } from '../../sampling/truncation-bound.ts';
import { type ObservedDraft, THRESHOLD_MAX } from './observed-draft.ts';

export type DraftFit = Pick<
  UhlmFitFacts,
  'law' | 'correlation' | 'draftCount' | 'bins' | 'offlineTokenCount' | 'heldOut'
>;

export interface FitDraftsOptions
  extends Pick<UhlmFitFacts, 'toleratedRejection' | 'truncationError'> {}

/** Fewer drafts than this say little about a line. */
export const DRAFT_COUNT_MIN = 100;
/** Every fifth question is held out: the others decide the law, these show what it is worth. */
const HELD_OUT_EVERY = 5;
const BIN_COUNT = 10;

/**
 * @param questions [question] its drafts
 * @throws PilotfishError `training-data-insufficient` for too few drafts, and where rejections do not
 *   rise with the uncertainty
 */
export function fitDrafts(
  questions: readonly (readonly ObservedDraft[])[],
  { toleratedRejection, truncationError }: FitDraftsOptions,
): DraftFit {
  const fitted = questions.filter((_, at) => !isHeldOut(at)).flat();
  const heldOut = questions.filter((_, at) => isHeldOut(at));
  const { law, correlation } = lawOf(fitted);
  const all = { law, toleratedRejection, truncationError };
  return {
    ...{ law, correlation, draftCount: fitted.length, bins: binsOf(fitted, law) },
    offlineTokenCount: offlineTokenCount(fitted, all),
    heldOut: heldOut.length === 0 ? null : heldOutReport(heldOut, all),
  };
}

export function isHeldOut(question: number): boolean {
  return question % HELD_OUT_EVERY === HELD_OUT_EVERY - 1;
}

function lawOf(drafts: readonly ObservedDraft[]): Pick<DraftFit, 'law' | 'correlation'> {
  const count = drafts.length;
  if (count < DRAFT_COUNT_MIN) {
    throw insufficient(`${count} drafts are fewer than ${DRAFT_COUNT_MIN}`, { draftCount: count });
  }
  const line = leastSquares(...uncertaintiesAndRejections(drafts));
  if (line === null) throw insufficient(`All ${count} drafts have the same uncertainty`);
  const { correlation, ...law } = line;
  if (!(law.slope > 0)) {
    const fields = { slope: law.slope, intercept: law.intercept };
    const text = `Rejections do not rise with the uncertainty of ${count} drafts`;
    throw insufficient(`${text} (a = ${law.slope.toPrecision(3)})`, fields);
  }
  return { law, correlation };
}

type Columns = readonly [uncertainties: number[], rejections: number[]];

function uncertaintiesAndRejections(drafts: readonly ObservedDraft[]): Columns {
  return [drafts.map((one) => one.uncertainty), drafts.map((one) => one.rejection)];
}

function insufficient(why: string, fields: PilotfishError['fields'] = {}): PilotfishError {
  return new PilotfishError(
    'training-data-insufficient',
    `${why}: no threshold follows from them.`,
    {
      remedy: 'Fit on more questions, or choose thresholds by hand, as in uhlm@0.1.',
      fields,
    },
  );
}

/** Non-empty bins of equal width. */
function binsOf(drafts: readonly ObservedDraft[], law: RejectionLaw): readonly FitBin[] {
  const binOf = ({ uncertainty }: ObservedDraft): number =>
    Math.min(BIN_COUNT - 1, Math.floor(uncertainty * BIN_COUNT));
  return Array.from({ length: BIN_COUNT }, (_, bin) => bin).flatMap((bin) => {
    const own = drafts.filter((draft) => binOf(draft) === bin);
    if (own.length === 0) return [];
    return [
      {
        ...{ from: bin / BIN_COUNT, to: (bin + 1) / BIN_COUNT, count: own.length },
        meanUncertainty: mean(own, ({ uncertainty }) => uncertainty),
        observed: mean(own, ({ rejection }) => rejection),
        predicted: mean(own, ({ uncertainty }) => expectedRejection(law, uncertainty)),
      },
    ];
  });
}

type Fitted = Pick<UhlmFitFacts, 'law' | 'toleratedRejection' | 'truncationError'>;

/** k* by the rule of the mean (CU-HLM, eq. 24), over the drafts that the risk-averse device transmits. */
function offlineTokenCount(drafts: readonly ObservedDraft[], fitted: Fitted): number | null {
  const threshold = fittedThreshold(fitted, 'averse') ?? Number.NEGATIVE_INFINITY;
  const sent = drafts.filter((draft) => !isSkipped(draft, threshold));
  const sizes = sent.map(({ truncationErrors }) => truncationErrors.length);
  const size = Math.min(Number.POSITIVE_INFINITY, ...new Set(sizes));
  if (!Number.isFinite(size) || size === 0) return null;
  // Entry 0, for no token at all, is not looked at.
  const bounds = new Float64Array(1 + size);
  for (const { uncertainty, probability, truncationErrors } of sent) {
    const scale = truncationScale(probability, expectedRejection(fitted.law, uncertainty));
    for (let k = 1; k <= size; k += 1) {
      const error = truncationErrors[k - 1] as number;
      bounds[k] = (bounds[k] as number) + error / scale / sent.length;
    }
  }
  const count = smallestTokenCountWithin(bounds, fitted.truncationError);
  return (bounds[count] as number) <= fitted.truncationError ? count : null;
}

function heldOutReport(
  questions: readonly (readonly ObservedDraft[])[],
  fitted: Fitted,
): HeldOutReport {
  const drafts = questions.flat();
  const averse = fittedThreshold(fitted, 'averse');
  const prone = fittedThreshold(fitted, 'prone') as number;
  return {
    questionCount: questions.length,
    draftCount: drafts.length,
    correlation: leastSquares(...uncertaintiesAndRejections(drafts))?.correlation ?? null,
    averse: averse === null ? null : thresholdReport(drafts, fitted.law, averse),
    prone: thresholdReport(drafts, fitted.law, prone),
  };
}

export function thresholdReport(
  drafts: readonly ObservedDraft[],
  law: RejectionLaw,
  threshold: number,
): ThresholdReport {
  const skipped = drafts.filter((draft) => isSkipped(draft, threshold));
  return {
    threshold,
    skippedShare: skipped.length / drafts.length,
    expectedRisk: mean(skipped, ({ uncertainty }) => expectedRejection(law, uncertainty)),
    riskBound: riskBound(law, threshold),
    observedRisk: mean(skipped, ({ rejection }) => rejection),
    totalVariation:
      threshold > THRESHOLD_MAX ? null : mean(drafts, (draft) => variation(draft, threshold)),
  };
}

/** A drafted end is always transmitted. */
function isSkipped({ uncertainty, isEnd }: ObservedDraft, threshold: number): boolean {
  return !isEnd && uncertainty <= threshold;
}

/** The distance of the output from y, exact at this position. */
export function variation(
  { skippable }: Pick<ObservedDraft, 'skippable'>,
  threshold: number,
): number {
  return skippable.reduce((sum, [u, excess]) => sum + (u <= threshold ? excess : 0), 0);
}

/** 0 of none. */
function mean<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0) / Math.max(1, all.length);
}
