/** A session outside of any engine, for reading a known text or trying a model out. */
import { GREEDY } from '../core/sampling-params.ts';
import { soleLease } from '../kv-cache/lease.ts';
import type { LanguageModel } from '../model/roles.ts';
import type { SequencePool } from '../model/sequence-source.ts';
import { LocalSession, type LocalSessionOptions } from './local-session.ts';
import { WorkRecorder } from './work-recorder.ts';

type Needed = 'promptLength';

type SoleSessionOptions = Pick<LocalSessionOptions, Needed> &
  Partial<Omit<LocalSessionOptions, Needed>> & {
    /** The pool of the model's sequences, if it has one: the text begins with its pin. */
    readonly pool?: SequencePool | undefined;
  };

/** @param options default: greedy, the whole vocabulary, no grammar, no end */
export function soleSession(
  model: LanguageModel,
  { pool, ...options }: SoleSessionOptions,
): LocalSession {
  const { facts, vocabulary } = model;
  const modelId = options.modelId ?? facts.name;
  return new LocalSession({
    modelId,
    lease: soleLease({ [modelId]: model }, pool && { [modelId]: pool }),
    rowCountMax: facts.rowCountMax,
    contextLength: facts.contextLength,
    remoteSessions: new Set(),
    sampling: { vocabularySize: vocabulary.size, sampling: GREEDY, seed: 0 },
    isEndOfGeneration: (id) => vocabulary.isEndOfGeneration(id),
    tokenBytes: (id) => vocabulary.tokenBytes(id),
    recorder: new WorkRecorder(),
    signal: new AbortController().signal,
    ...options,
  });
}
