/** Stores how branches ended, so that no branch is rolled out twice. */
import { z } from 'zod';
import { RecordStore, recordReader } from '../../storage/record-store.ts';

/** A branch: its trajectory, and the policy that continues it. */
export interface BranchKey {
  /** Its `trajectoryKey`. */
  readonly trajectory: string;
  /** Its `endsName`. */
  readonly policy: string;
  readonly position: number;
  readonly token: number;
  /** The index of the draw; 0 where the rollout is greedy. */
  readonly draw: number;
}

export interface Outcome extends BranchKey {
  /** 1 right, 0 wrong. */
  readonly value: number;
  /** Tokens that were written after the branch's own token. */
  readonly tokenCount: number;
}

export type OutcomeStore = RecordStore<Outcome, BranchKey>;

const COUNT = z.number().int().nonnegative();

const OUTCOME: z.ZodType<Outcome> = z.object({
  trajectory: z.string(),
  policy: z.string(),
  position: COUNT,
  token: COUNT,
  draw: COUNT,
  value: z.number().min(0).max(1),
  tokenCount: COUNT,
});

/** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
export function openOutcomes(path: string): Promise<OutcomeStore> {
  return RecordStore.open<Outcome, BranchKey>(path, {
    noun: 'end of a branch',
    read: recordReader(OUTCOME),
    keyOf: ({ trajectory, policy, position, token, draw }) =>
      `${trajectory} ${policy} ${position} ${token} ${draw}`,
    code: 'training-invalid',
    remedy: 'Delete the line: the branch is rolled out again.',
  });
}
