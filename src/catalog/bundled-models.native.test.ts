import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import {
  BUNDLED_MODELS,
  type BundledModel,
  bundledPath,
  checkedBundled,
} from './bundled-models.ts';
import { catalogContext } from './catalog-context.ts';
import { ensureModel } from './ensure-model.ts';
import { findModel } from './find-model.ts';
import { KNOWN_MODELS } from './known-models.ts';
import { verifyModel } from './verify-model.ts';

const MEGABYTES_MAX = 16;

describe('bundled models', () => {
  it.each(BUNDLED_MODELS)('$name has the digest of the table, without a network', async (model) => {
    const options = { home: '/nonexistent', offline: true };
    const found = { name: model.name, path: bundledPath(model), source: 'package' };
    expect(await ensureModel(model.name, options)).toEqual({ ...found, sha256: model.sha256 });
    expect(await findModel(model.name, options)).toMatchObject(found);
    expect(await verifyModel(model.name, options)).toMatchObject(found);
    expect((await stat(bundledPath(model))).size).toBe(model.bytes);
  });

  it('are small in total', () => {
    const bytes = BUNDLED_MODELS.reduce((sum, model) => sum + model.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(MEGABYTES_MAX * 1e6);
  });

  it('have names of their own', () => {
    const names = [...BUNDLED_MODELS, ...KNOWN_MODELS].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are refused where their bytes differ or their file is missing', async () => {
    const [model] = BUNDLED_MODELS;
    const changed = (changes: Partial<BundledModel>): Promise<string> =>
      checkedBundled({ ...(model as BundledModel), ...changes }, catalogContext());
    await expect(changed({ sha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: 'digest-mismatch',
      remedy: expect.stringContaining('Install this package again'),
    });
    await expect(changed({ file: 'pocket/models/none.gguf' })).rejects.toMatchObject({
      code: 'model-file-missing',
    });
  });
});
