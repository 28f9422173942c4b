/** A model by name, path or hub file, ready to load: found on this machine or pulled. */
import { catalogContext, type EnsureModelOptions } from './catalog-context.ts';
import { findLocal, isPullable, type LocalModel, ownFile } from './find-model.ts';
import { parseModelReference } from './model-reference.ts';
import { pullModel } from './pull-model.ts';

export type { EnsureModelOptions } from './catalog-context.ts';
export { findModel, type LocalModel } from './find-model.ts';

/**
 * @throws PilotfishError `model-unknown`, `model-file-missing`, `source-unavailable`,
 *   `download-failed`, `digest-mismatch`, `disk-full`, `file-system-failed`, `aborted`
 */
export async function ensureModel(
  name: string,
  options: EnsureModelOptions = {},
): Promise<LocalModel> {
  const context = catalogContext(options);
  const reference = parseModelReference(name);
  if (!isPullable(reference)) return ownFile(reference, context);
  return (await findLocal(reference, context)) ?? (await pullModel(reference, context));
}
