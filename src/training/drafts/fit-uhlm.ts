/** Fits U-HLM for a pair: drafts answers of questions, fits the law, and writes what follows as a file. */
import { questionNumber } from '../../evaluation/question-key.ts';
import type { BoundFacts } from '../../judging/head.ts';
import type { UhlmFit } from '../../judging/uhlm-fit.ts';
import { decodeUhlmFit, encodeUhlmFit } from '../../judging/uhlm-fit-file.ts';
import type { AskedQuestion } from '../steps/label-steps.ts';
import { type FitDraftsOptions, fitDrafts, isHeldOut } from './fit-drafts.ts';
import { type ObserveOptions, observeDrafts } from './observe-drafts.ts';
import type { ObservedDraft } from './observed-draft.ts';

export interface FitUhlmOptions extends ObserveOptions, FitDraftsOptions {
  /** The pair that the fit is bound to. */
  readonly boundTo: BoundFacts['pair'];
  readonly asked: readonly AskedQuestion[];
  /** How the fit was made, for a reader of its file. */
  readonly facts: BoundFacts['training'];
}

export interface FittedUhlm {
  readonly fit: UhlmFit;
  readonly bytes: Uint8Array;
  /** The drafts that the law was fitted to. */
  readonly drafts: readonly ObservedDraft[];
}

/** The strategy that fits are made for. */
export const FITTED_STRATEGY = 'uhlm';

/**
 * @throws PilotfishError `training-data-insufficient`, `training-invalid`, `aborted`; drafts until then are
 *   kept
 */
export async function fitUhlm(options: FitUhlmOptions): Promise<FittedUhlm> {
  const { asked, boundTo, facts, temperature, toleratedRejection, truncationError } = options;
  const questions = await observeDrafts(asked, options);
  const bytes = encodeUhlmFit({
    ...{ strategy: FITTED_STRATEGY, pair: boundTo, training: facts },
    ...{ temperature, toleratedRejection, truncationError },
    ...fitDrafts(questions, options),
    trainedOn: new Set(asked.map(({ question }) => questionNumber(question))),
    calibratedOn: new Set(),
  });
  const drafts = questions.filter((_, at) => !isHeldOut(at)).flat();
  return { fit: decodeUhlmFit(bytes), bytes, drafts };
}
