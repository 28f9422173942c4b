/**
 * The source of a session's sequences, which also takes them back. It is a role, so that a request runs
 * the same with a prefix cache and without one.
 */
import type { TokenId } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from './roles.ts';

export interface OpenedSequence {
  readonly sequence: Sequence;
  /** The tokens it holds already: a prefix of the text it was opened for. */
  readonly tokens: readonly TokenId[];
  /** Whether it is a fork of the request's own sequence, and no cache spared its rows. */
  readonly isFork?: boolean | undefined;
}

/**
 * A preempted lease opens nothing until it is readmitted. The session waits for that outside of its
 * turn, so that it can be evicted meanwhile: its own cells may be what the readmission waits for.
 */
export interface Readmission {
  readonly readmission: (signal: AbortSignal) => Promise<void>;
}

export interface SequenceSource {
  /**
   * The number of tokens that `open` would give now, without opening a sequence. It is an estimate, as
   * other requests may come first. Absent: none.
   */
  prefixLength?(text: readonly TokenId[], lengthMax: number): number;
  /**
   * A sequence for a text, holding at most its first `lengthMax` tokens.
   * @throws PilotfishError `aborted`, `sequences-exhausted`, `disposed`
   */
  open(
    text: readonly TokenId[],
    lengthMax: number,
    signal?: AbortSignal,
  ): Promise<OpenedSequence | Readmission>;
  /** Takes a sequence back with its tokens. The part to keep is decided before the first `await`. */
  close(opened: OpenedSequence): Promise<void>;
}

/** A source that opens at once: it is the lease that may have to be readmitted. */
export interface OpenSource extends SequenceSource {
  open(text: readonly TokenId[], lengthMax: number, signal?: AbortSignal): Promise<OpenedSequence>;
}

/** A source that keeps the sequences that it is given back, for later texts. */
export interface SequencePool extends OpenSource, AsyncDisposable {
  /** For texts that must not depend on earlier texts: they find only the pinned prefix, and leave nothing. */
  unshared(): OpenSource;
  /** Closes the kept sequences; the pinned prefix stays. @returns whether there were any */
  clear(): Promise<boolean>;
}

/** No cache: every sequence begins empty and ends with its session. The oracle of the prefix cache. */
export function plainSequences(model: Pick<LanguageModel, 'openSequence'>): OpenSource {
  return {
    open: async () => ({ sequence: model.openSequence(), tokens: [] }),
    close: ({ sequence }) => Promise.resolve(sequence[Symbol.asyncDispose]()),
  };
}
