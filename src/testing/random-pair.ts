/** An engine over two tiny random models that agree on some tokens and not on others. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, type EngineOptions } from '../engine/engine.ts';
import type { LlamaCppModel } from '../model/llama-cpp/model.ts';
import { loadModel } from '../model/llama-cpp/model.ts';
import type { StrategyOptions } from '../strategy/strategy-options.ts';
import { type RandomModelOptions, writeRandomModel } from './random-model.ts';

export interface RandomPair extends AsyncDisposable {
  readonly engine: Engine;
  readonly small: LlamaCppModel;
  readonly large: LlamaCppModel;
}

export interface RandomPairOptions
  extends StrategyOptions,
    Pick<EngineOptions, 'overcommit' | 'requestCountMax'> {
  readonly shape?: Partial<RandomModelOptions>;
}

/** The distance between the two models' weights: they agree on about half of the tokens. */
const PERTURBATION_SCALE = 0.02;
const LOAD_OPTIONS = { contextLength: 384, rowCountMax: 64, threadCount: 1 };

export async function openRandomPair(options: RandomPairOptions = {}): Promise<RandomPair> {
  const folder = await mkdtemp(join(tmpdir(), 'pilotfish-'));
  const open = async (name: string, perturbation: number): Promise<LlamaCppModel> => {
    const path = join(folder, `${name}.gguf`);
    await writeRandomModel(path, {
      seed: 1,
      perturbation: { seed: perturbation, scale: PERTURBATION_SCALE },
      ...options.shape,
    });
    return await loadModel(path, { ...LOAD_OPTIONS, name });
  };
  const small = await open('small', 2);
  const large = await open('large', 3);
  const engine = new Engine({ models: { small, large }, ...options });
  return {
    engine,
    small,
    large,
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
