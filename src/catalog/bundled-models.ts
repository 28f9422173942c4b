/**
 * The models that come with this package: the pocket models (pocket/README.md). They need no
 * network, and are so small that they are hashed before every use.
 */
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { PilotfishError } from '../core/errors.ts';
import { fileDigest } from '../storage/file-digest.ts';
import type { CatalogContext } from './catalog-context.ts';
import type { ModelCard } from './known-models.ts';

export interface BundledModel extends ModelCard {
  /** Relative to the root of the package. */
  readonly file: string;
}

const OURS = { quantisation: 'Q8_0', licence: 'Apache-2.0', licenceNote: null } as const;

export const BUNDLED_MODELS: readonly BundledModel[] = [
  {
    name: 'pocket-large',
    title: 'Pocket Large',
    bytes: 7_437_152,
    sha256: 'e636b217152dc628aacde2daf76191ebc62f4d9d3c19d3a4201dbf62c4af017c',
    file: 'pocket/models/pocket-large.gguf',
    ...OURS,
  },
  {
    name: 'pocket-small',
    title: 'Pocket Small',
    bytes: 169_952,
    sha256: '35aa145f8222db64f786c41def37daeea1d1a26d6ce58f3212f94c1fc5bbcee4',
    file: 'pocket/models/pocket-small.gguf',
    ...OURS,
  },
  {
    name: 'pocket-small-strong',
    title: 'Pocket Small Strong',
    bytes: 169_952,
    sha256: 'f1965f3a90ec9414a280afc14956d0f38c77d7d5ab4229697da84323e74b91f9',
    file: 'pocket/models/pocket-small-strong.gguf',
    ...OURS,
  },
  {
    name: 'pocket-judge',
    title: 'Pocket Judge',
    bytes: 7_437_152,
    sha256: '8cdaec692fd6bf968836ef6a0ab8ff3d6de295d3ba30ef0aec4a62720e12d7a6',
    file: 'pocket/models/pocket-judge.gguf',
    ...OURS,
  },
];

export function bundledModel(name: string): BundledModel | null {
  return BUNDLED_MODELS.find((model) => model.name === name) ?? null;
}

/** The path is the same relative to `src` and to `dist`. */
export function bundledPath({ file }: Pick<BundledModel, 'file'>): string {
  return fileURLToPath(new URL(`../../${file}`, import.meta.url));
}

/**
 * @returns the checked path. @throws PilotfishError `model-file-missing`, `digest-mismatch`,
 *   `aborted`
 */
export async function checkedBundled(
  model: BundledModel,
  context: CatalogContext,
): Promise<string> {
  const path = bundledPath(model);
  const fields = { model: model.name, path };
  const remedy = 'Install this package again: the file is a part of it.';
  if ((await stat(path).catch(() => null)) === null) {
    const message = `${model.name} should come with this package, but there is no ${path}.`;
    throw new PilotfishError('model-file-missing', message, { remedy, fields });
  }
  // Hashing takes milliseconds: there is no progress to show.
  const { signal } = context;
  const actual = await fileDigest(path, `Verifying ${model.name}`, { signal });
  if (actual === model.sha256) return path;
  throw new PilotfishError(
    'digest-mismatch',
    `${path} is not ${model.name}: its sha256 is ${actual}, not ${model.sha256}.`,
    { remedy, fields: { ...fields, expected: model.sha256, actual } },
  );
}
