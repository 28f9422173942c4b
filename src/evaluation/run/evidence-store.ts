/** The evidence about questions, stored like their answers: nothing is read twice. */
import { z } from 'zod';
import { RecordStore, recordReader } from '../../storage/record-store.ts';
import type { TokenEvidence } from '../evidence/teacher-forced.ts';

const EVIDENCE: z.ZodType<TokenEvidence> = z.object({
  question: z.string(),
  asked: z.string(),
  differs: z.string().regex(/^[01]*$/),
  scores: z.record(z.string(), z.array(z.number())),
});

/** Records are found by the `questionHash` of their question. */
export type EvidenceStore = RecordStore<TokenEvidence, Pick<TokenEvidence, 'asked'>>;

/** @throws PilotfishError `evaluation-invalid`, naming the line; `file-system-failed` */
export function openEvidence(path: string): Promise<EvidenceStore> {
  return RecordStore.open<TokenEvidence, Pick<TokenEvidence, 'asked'>>(path, {
    noun: 'evidence',
    read: recordReader(EVIDENCE),
    keyOf: ({ asked }) => asked,
    code: 'evaluation-invalid',
    remedy: 'Delete the line: its answer is read again.',
  });
}
