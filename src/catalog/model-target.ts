/** The path of a model in our own cache, and back: one path per name, readable by people. */
import { join, relative, sep } from 'node:path';
import { type CatalogContext, modelsFolder } from './catalog-context.ts';
import { KNOWN_MODELS } from './known-models.ts';
import { DEFAULT_REVISION, hubName, type PullableReference } from './model-reference.ts';

const HUB_FOLDER = 'hub';

export function modelTarget(reference: PullableReference, context: CatalogContext): string {
  const folder = modelsFolder(context);
  if (reference.kind === 'known') return join(folder, reference.model.fileName);
  const { owner, repo, revision, file } = reference.file;
  return join(folder, HUB_FOLDER, owner, `${repo}@${revision}`, ...file.split('/'));
}

/** The name whose `modelTarget` is this path; the path itself for a stray file. */
export function modelNameAt(path: string, context: CatalogContext): string {
  const [first, owner, repoAndRevision, ...segments] = relative(modelsFolder(context), path).split(
    sep,
  );
  if (owner === undefined) return KNOWN_MODELS.find((m) => m.fileName === first)?.name ?? path;
  const [repo, revision = DEFAULT_REVISION] = (repoAndRevision ?? '').split('@');
  if (first !== HUB_FOLDER || repo === undefined || segments.length === 0) return path;
  return hubName({ owner, repo, revision, file: segments.join('/') });
}
