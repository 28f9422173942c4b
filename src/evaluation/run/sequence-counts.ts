/** The sequences of a model in an evaluation, and how many of them are left for questions. */
import { PilotfishError } from '../../core/errors.ts';
import { SEQUENCE_COUNT_LIMIT } from '../../model/sequence-count-limit.ts';

/** The sequence with which evidence is read. */
export const SPARE_SEQUENCE_COUNT = 1;
/** The sequence of the pinned prefix that all prompts begin with. */
const PREFIX_SEQUENCE_COUNT = 1;

/** The sequences that a model needs for a wave, the spare ones and the common prefix. */
export function sequenceCountOf(waveSize: number, spareSequenceCount: number): number {
  return waveSize + spareSequenceCount + PREFIX_SEQUENCE_COUNT;
}

/** The most questions side by side, where some sequences are spare. */
export function waveSizeMax(spareSequenceCount: number): number {
  return SEQUENCE_COUNT_LIMIT - sequenceCountOf(0, spareSequenceCount);
}

/** The limit of an evaluation. */
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
