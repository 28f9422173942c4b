/** What servers were seen to do, so that opening one again asks less: some bill every question. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { z } from 'zod';
import { catalogContext, type EnsureModelOptions } from '../../catalog/catalog-context.ts';
import { readJson, writeWhole } from '../../storage/whole-file.ts';

export interface KeptProbe<T> {
  /** All that the answers depend on: the address, the model, the version, the kind of questions. */
  readonly key: readonly (string | null)[];
  readonly schema: z.ZodType<T>;
  readonly probe: () => Promise<T>;
  /** Ask, whatever is kept. */
  readonly isAnew: boolean;
}

/**
 * The file's name is a digest, so no address is in it.
 * @throws what the probe throws
 */
export async function keptProbe<T>(
  { key, schema, probe, isAnew }: KeptProbe<T>,
  options: Pick<EnsureModelOptions, 'home' | 'env'>,
): Promise<T> {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest('hex');
  const path = join(catalogContext(options).home, 'servers', `${digest.slice(0, 32)}.json`);
  const kept = isAnew ? null : await readJson(path, schema);
  if (kept !== null) return kept;
  const probed = await probe();
  // Where nothing can be written, it is asked again.
  await writeWhole(path, JSON.stringify(probed)).catch(() => undefined);
  return probed;
}
