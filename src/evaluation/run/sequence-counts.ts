/** Sequences of a model in an evaluation, and what they leave for questions. */
import { PilotfishError } from '../../core/errors.ts';
import { SEQUENCE_COUNT_LIMIT } from '../../model/sequence-count-limit.ts';

/** Evidence is read in one of its own. */
export const SPARE_SEQUENCE_COUNT = 1;
/** The prefix that all prompts begin with is pinned in it. */
const PREFIX_SEQUENCE_COUNT = 1;

/** That a model has, for questions side by side and with others beside them. */
export function sequenceCountOf(waveSize: number, spareSequenceCount: number): number {
  return waveSize + spareSequenceCount + PREFIX_SEQUENCE_COUNT;
}

/** Questions side by side at most, where so many sequences are kept for something else. */
export function waveSizeMax(spareSequenceCount: number): number {
  return SEQUENCE_COUNT_LIMIT - sequenceCountOf(0, spareSequenceCount);
}

/** Of an evaluation. */
export const WAVE_SIZE_MAX: number = waveSizeMax(SPARE_SEQUENCE_COUNT);

/** @throws PilotfishError `option-invalid` */
export function checkWaveSize(waveSize: number, spareSequenceCount: number): void {
  const most = waveSizeMax(spareSequenceCount);
  if (Number.isInteger(waveSize) && waveSize >= 1 && waveSize <= most) return;
  throw new PilotfishError('option-invalid', `waveSize is ${waveSize}, which is not possible.`, {
    remedy: `Answer from 1 to ${most} questions side by side.`,
    fields: { waveSize, most },
  });
}
