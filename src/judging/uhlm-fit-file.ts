/** Fits of U-HLM as files: those of heads, without a network (see head-file.ts). */
import { z } from 'zod';
import type { BoundFacts } from './head.ts';
import { type BoundFormat, decodeBound, encodeBound } from './head-file.ts';
import type { FitBin, HeldOutReport, ThresholdReport, UhlmFit, UhlmFitFacts } from './uhlm-fit.ts';

type OwnFacts = Omit<UhlmFitFacts, keyof BoundFacts>;

const COUNT = z.number().int().nonnegative();
const SHARE = z.number().min(0).max(1);
const CORRELATION = z.number().min(-1).max(1).nullable();

const BIN: z.ZodType<FitBin> = z.object({
  ...{ from: SHARE, to: SHARE, meanUncertainty: SHARE, observed: SHARE, predicted: SHARE },
  count: z.number().int().positive(),
});

const THRESHOLD: z.ZodType<ThresholdReport> = z.object({
  threshold: z.number(),
  ...{ skippedShare: SHARE, expectedRisk: SHARE, riskBound: SHARE, observedRisk: SHARE },
  totalVariation: SHARE.nullable(),
});

const HELD_OUT: z.ZodType<HeldOutReport> = z.object({
  questionCount: COUNT,
  draftCount: COUNT,
  correlation: CORRELATION,
  averse: THRESHOLD.nullable(),
  prone: THRESHOLD,
});

const OWN_FACTS: z.ZodType<OwnFacts> = z.object({
  temperature: z.number().min(0),
  law: z.object({ slope: z.number().positive(), intercept: z.number() }),
  correlation: CORRELATION,
  draftCount: COUNT,
  bins: z.array(BIN),
  toleratedRejection: SHARE,
  truncationError: z.number().positive(),
  offlineTokenCount: z.number().int().positive().nullable(),
  heldOut: HELD_OUT.nullable(),
});

export const UHLM_FIT_FORMAT: BoundFormat<OwnFacts> = {
  name: 'pilotfish-uhlm-fit',
  noun: 'fit of U-HLM',
  version: 1,
  facts: OWN_FACTS,
};

/** @param fit without its digest, which is the digest of the bytes */
export function encodeUhlmFit(fit: Omit<UhlmFit, 'digest'>): Uint8Array {
  return encodeBound(UHLM_FIT_FORMAT, fit);
}

/** @throws PilotfishError `head-invalid`, naming the fault */
export function decodeUhlmFit(bytes: Uint8Array): UhlmFit {
  return decodeBound(UHLM_FIT_FORMAT, bytes);
}
