/** Loads a model from its file under its short name, with the threads that decode it fastest here. */
import {
  CONTEXT_LENGTH_DEFAULT,
  type LlamaCppModel,
  loadModel,
  SEQUENCE_COUNT_MAX_DEFAULT,
} from '../../model/llama-cpp/model.ts';
import { SEQUENCE_COUNT_LIMIT } from '../../model/sequence-count-limit.ts';
import type { PairOptions } from '../pair-options.ts';
import { shortName, useBestThreads } from './local-profile.ts';

export interface LoadOptions extends PairOptions {
  /** Tokens in the KV cache; default: one full context. */
  readonly cellCount?: number | undefined;
  /** Sequences in the KV cache; default 24. */
  readonly sequenceCountMax?: number | undefined;
}

/**
 * @param labelCount the model has as many caches' room in one
 * @throws PilotfishError as `loadModel`
 */
export async function loadNamedModel(
  name: string,
  path: string,
  labelCount: number,
  options: LoadOptions,
): Promise<LlamaCppModel> {
  const { contextLength, threadCount, signal, onProgress } = options;
  const { cellCount = contextLength ?? CONTEXT_LENGTH_DEFAULT } = options;
  const { sequenceCountMax = SEQUENCE_COUNT_MAX_DEFAULT } = options;
  const model = await loadModel(path, {
    name: shortName(name),
    cellCount: labelCount * cellCount,
    sequenceCountMax: Math.min(labelCount * sequenceCountMax, SEQUENCE_COUNT_LIMIT),
    ...{ contextLength, threadCount, signal, onProgress },
  });
  try {
    await useBestThreads(model, options);
    return model;
  } catch (error) {
    await model[Symbol.asyncDispose]();
    throw error;
  }
}
