/** Loads a model of the catalog with the shape of a benchmark. */
import { ensureModel } from '../../src/catalog/ensure-model.ts';
import { type LlamaCppModel, loadModel } from '../../src/model/llama-cpp/model.ts';

/** The default pair's large model. */
export const LARGE_DEFAULT = 'qwen2.5-coder-1.5b-instruct';
export const SMALL_DEFAULT = 'qwen2.5-coder-0.5b-instruct';

export interface Shape {
  readonly contextLength: number;
  /** Default: one context. */
  readonly cellCount?: number;
  readonly rowCountMax: number;
  readonly sequenceCountMax: number;
  readonly threadCount?: number;
}

export interface LoadedModel {
  readonly path: string;
  readonly model: LlamaCppModel;
}

export async function loadFromCatalog(name: string, shape: Shape): Promise<LoadedModel> {
  const { path } = await ensureModel(name);
  return { path, model: await loadModel(path, { name, ...shape }) };
}
