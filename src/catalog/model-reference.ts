/**
 * The forms of a model reference: a known name, the name of a bundled model, the path of a .gguf
 * file, or a file on the hub as `hub:owner/repo/file.gguf` (`hub:owner/repo@revision/file.gguf` for
 * a revision other than main). Parsing decides the form once; later code never looks at the text
 * again.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { PilotfishError } from '../core/errors.ts';
import { BUNDLED_MODELS, type BundledModel, bundledModel } from './bundled-models.ts';
import { type HubHome, KNOWN_MODELS, type KnownModel, knownModel } from './known-models.ts';
import { nearestNames } from './nearest-names.ts';

export interface HubFile extends HubHome {
  readonly revision: string;
}

export type ModelReference =
  | { readonly kind: 'known'; readonly name: string; readonly model: KnownModel }
  | { readonly kind: 'bundled'; readonly name: string; readonly model: BundledModel }
  | { readonly kind: 'path'; readonly name: string; readonly path: string }
  | { readonly kind: 'hub'; readonly name: string; readonly file: HubFile };

/** The forms whose files have a place in our cache. */
export type PullableReference = Extract<ModelReference, { kind: 'known' | 'hub' }>;

export const DEFAULT_REVISION = 'main';

const HUB_PREFIX = 'hub:';
const SUFFIX = '.gguf';
/** One segment of a hub name. It becomes a folder name: no separators, no leading dot. */
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/;
const SHARD = /-\d{5}-of-\d{5}\.gguf$/i;

/** @throws PilotfishError `model-unknown` */
export function parseModelReference(name: string): ModelReference {
  if (name.startsWith(HUB_PREFIX)) return parseHubName(name);
  const model = knownModel(name);
  if (model !== null) return { kind: 'known', name, model };
  const bundled = bundledModel(name);
  if (bundled !== null) return { kind: 'bundled', name, model: bundled };
  if (name.toLowerCase().endsWith(SUFFIX) || isFile(name)) {
    return { kind: 'path', name, path: resolve(name) };
  }
  throw unknownModel(name);
}

/** The name of a hub file as `parseModelReference` reads it. */
export function hubName(file: HubFile): string {
  const revision = file.revision === DEFAULT_REVISION ? '' : `@${file.revision}`;
  return `${HUB_PREFIX}${file.owner}/${file.repo}${revision}/${file.file}`;
}

function parseHubName(name: string): ModelReference {
  const [owner = '', repoAndRevision = '', ...segments] = name.slice(HUB_PREFIX.length).split('/');
  const [repo = '', revision = DEFAULT_REVISION, ...rest] = repoAndRevision.split('@');
  const all = [owner, repo, revision, ...segments];
  const file = segments.join('/');
  const wellFormed = rest.length === 0 && segments.length > 0 && all.every((s) => SEGMENT.test(s));
  if (!wellFormed || !file.toLowerCase().endsWith(SUFFIX)) {
    throw new PilotfishError('model-unknown', `"${name}" does not name a file on the hub.`, {
      remedy: 'Write it as hub:OWNER/REPO/FILE.gguf or hub:OWNER/REPO@REVISION/FILE.gguf.',
      fields: { model: name },
    });
  }
  if (SHARD.test(file)) {
    throw new PilotfishError('model-unknown', `"${name}" is one shard of a split model.`, {
      remedy: 'Choose a model in a single file, or download all shards and give a .gguf path.',
      fields: { model: name },
    });
  }
  // Two names of the same bytes share one place in the cache.
  const known = KNOWN_MODELS.find(
    ({ hub }) => hub?.owner === owner && hub.repo === repo && hub.file === file,
  );
  if (known !== undefined && revision === DEFAULT_REVISION) {
    return { kind: 'known', name: known.name, model: known };
  }
  return { kind: 'hub', name, file: { owner, repo, file, revision } };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function unknownModel(name: string): PilotfishError {
  const names = [...KNOWN_MODELS, ...BUNDLED_MODELS].map((model) => model.name);
  const near = nearestNames(name, names);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
  return new PilotfishError('model-unknown', `There is no model named "${name}".${hint}`, {
    remedy:
      `Use a known name (${names.join(', ')}), the path of a .gguf file, or ` +
      'hub:OWNER/REPO/FILE.gguf.',
    fields: { model: name },
  });
}
