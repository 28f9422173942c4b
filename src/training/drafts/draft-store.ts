/** Stores what the drafts of a question tell, so that none is drawn twice. */
import { z } from 'zod';
import { RecordStore, recordReader } from '../../storage/record-store.ts';
import type { ObservedDraft } from './observed-draft.ts';

/** A question in its prompt, drafted in one way. */
export interface DraftsKey {
  /** The question's id and a digest of everything that its drafts depend on. */
  readonly key: string;
}

export interface KeptDrafts extends DraftsKey {
  readonly drafts: readonly ObservedDraft[];
}

export type DraftStore = RecordStore<KeptDrafts, DraftsKey>;

const SHARE = z.number().min(0).max(1);

const DRAFT: z.ZodType<ObservedDraft> = z.object({
  ...{ uncertainty: SHARE, rejection: SHARE, probability: SHARE, isEnd: z.boolean() },
  skippable: z.array(z.tuple([SHARE, SHARE])),
  truncationErrors: z.array(z.number().nonnegative()),
});

const DRAFTS: z.ZodType<KeptDrafts> = z.object({ key: z.string(), drafts: z.array(DRAFT) });

/** @throws PilotfishError `training-invalid`, naming the line; `file-system-failed` */
export function openDrafts(path: string): Promise<DraftStore> {
  return RecordStore.open<KeptDrafts, DraftsKey>(path, {
    noun: "question's drafts",
    read: recordReader(DRAFTS),
    lineOf: ({ key, drafts }) => ({ key, drafts: drafts.map(shortened) }),
    keyOf: ({ key }) => key,
    code: 'training-invalid',
    remedy: 'Delete the line: the question is answered again.',
  });
}

/** Seven digits of an error are plenty, and a line has thousands of errors. */
const DIGITS = 7;

function shortened(draft: ObservedDraft): ObservedDraft {
  const truncationErrors = draft.truncationErrors.map((error) => Number(error.toPrecision(DIGITS)));
  return { ...draft, truncationErrors };
}
