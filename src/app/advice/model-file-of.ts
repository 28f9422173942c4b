/** The file of a model that advice is about, and the facts that its costs depend on. */
import { ensureModel } from '../../catalog/ensure-model.ts';
import { DEFAULT_PAIR, parsePair } from '../../catalog/known-pairs.ts';
import type { ModelRole } from '../../core/model-id.ts';
import type { CostedModel } from '../../machines/profile-costs.ts';
import { readModelFile } from '../../model/llama-cpp/model-file.ts';
import { shortName } from '../machine/local-profile.ts';
import type { PairOptions } from '../pair-options.ts';

export interface AdvisedFile {
  readonly path: string;
  readonly model: CostedModel;
}

export function nameOf(role: ModelRole, options: PairOptions): string {
  return options[role] ?? parsePair(options.pair ?? DEFAULT_PAIR.name)[role];
}

/** @throws PilotfishError as `ensureModel` and `readModelFile` */
export async function modelFileOf(reference: string, options: PairOptions): Promise<AdvisedFile> {
  const { path } = await ensureModel(reference, options);
  const { weightBytes, parameterCounts, kvBytesPerToken } = await readModelFile(path);
  const name = shortName(reference);
  return { path, model: { name, reference, weightBytes, parameterCounts, kvBytesPerToken } };
}
