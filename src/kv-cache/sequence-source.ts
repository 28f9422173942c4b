/**
 * Where a request's sequences come from and where they go: a role, so that a request runs the same
 * with a prefix cache and without one.
 */
import type { TokenId } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from '../model/roles.ts';

export interface OpenedSequence {
  readonly sequence: Sequence;
  /** The tokens it holds already: a prefix of the text it was opened for. */
  readonly tokens: readonly TokenId[];
}

export interface SequenceSource {
  /**
   * How many tokens `open` would give now, without opening anything: an estimate, as others may come
   * first. Absent: none.
   */
  prefixLength?(text: readonly TokenId[], lengthMax: number): number;
  /**
   * What must be waited for before a sequence may be opened; null where nothing must, absent where
   * nothing ever must. To be asked right before `open`, and to be waited for without holding up
   * whoever wants to take the sequences away: it may be them who make the room.
   */
  readmission?(): ((signal?: AbortSignal) => Promise<void>) | null;
  /**
   * A sequence for a text, holding at most its first `lengthMax` tokens.
   * @throws PilotfishError `aborted`, `sequences-exhausted`, `disposed`
   */
  open(text: readonly TokenId[], lengthMax: number, signal?: AbortSignal): Promise<OpenedSequence>;
  /** Takes a sequence back with all it holds. What is kept is decided before the first `await`. */
  close(opened: OpenedSequence): Promise<void>;
}

/** No cache: every sequence begins empty and ends with its request. The oracle of the prefix cache. */
export function plainSequences(model: Pick<LanguageModel, 'openSequence'>): SequenceSource {
  return {
    open: async () => ({ sequence: model.openSequence(), tokens: [] }),
    close: ({ sequence }) => Promise.resolve(sequence[Symbol.asyncDispose]()),
  };
}
