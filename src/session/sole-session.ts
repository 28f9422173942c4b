/** A session outside of any engine: for reading a known text, or for trying a model out. */
import { GREEDY } from '../core/sampling-params.ts';
import { soleLease } from '../kv-cache/lease.ts';
import type { LanguageModel } from '../model/roles.ts';
import { LocalSession, type LocalSessionOptions } from './local-session.ts';
import { WorkRecorder } from './work-recorder.ts';

type Needed = 'promptLength';

/** @param options default: greedy, the whole vocabulary, no grammar, for ever */
export function soleSession(
  model: LanguageModel,
  options: Pick<LocalSessionOptions, Needed> & Partial<Omit<LocalSessionOptions, Needed>>,
): LocalSession {
  const { facts, vocabulary } = model;
  return new LocalSession({
    modelId: facts.name,
    lease: soleLease({ [options.modelId ?? facts.name]: model }),
    rowCountMax: facts.rowCountMax,
    sampling: { vocabularySize: vocabulary.size, sampling: GREEDY, seed: 0 },
    isEndOfGeneration: (id) => vocabulary.isEndOfGeneration(id),
    tokenBytes: (id) => vocabulary.tokenBytes(id),
    recorder: new WorkRecorder(),
    signal: new AbortController().signal,
    ...options,
  });
}
