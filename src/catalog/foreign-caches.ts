/**
 * The caches of other programs for files of the hub: the hub's own client and llama.cpp. Their
 * files are used in place, never copied, moved or written to.
 */
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { isSha256 } from '../storage/file-digest.ts';
import type { CatalogContext, Environment } from './catalog-context.ts';
import { DEFAULT_REVISION, type HubFile, type PullableReference } from './model-reference.ts';

export interface ForeignFile {
  readonly path: string;
  readonly source: 'hub-cache' | 'llama-cpp-cache';
  readonly bytes: number;
  /** The digest that its own cache records, where there is one. */
  readonly sha256: string | null;
}

/** The most recent snapshots of a repository that are searched. */
const SNAPSHOTS_MAX = 100;

/** Files that should be this model, not yet verified, in the order to try them. */
export async function foreignFiles(
  reference: PullableReference,
  context: CatalogContext,
): Promise<readonly ForeignFile[]> {
  const file = hubFileOf(reference);
  const llamaFolders = llamaCppFolders(context.env);
  const found: ForeignFile[] = [];
  if (file !== null) {
    for (const folder of hubFolders(context.env)) {
      found.push(...(await hubCacheFiles(folder, file, 'hub-cache')));
    }
    // Newer versions of llama.cpp use the folder layout of the hub's client.
    for (const folder of llamaFolders) {
      found.push(...(await hubCacheFiles(folder, file, 'llama-cpp-cache')));
    }
  }
  for (const folder of llamaFolders) {
    for (const name of llamaCppNames(reference, file)) {
      found.push(...(await llamaCppFile(join(folder, name))));
    }
  }
  return found;
}

export function hubFileOf(reference: PullableReference): HubFile | null {
  if (reference.kind === 'hub') return reference.file;
  const { hub } = reference.model;
  return hub === null ? null : { ...hub, revision: DEFAULT_REVISION };
}

function hubFolders(env: Environment): readonly string[] {
  const home = set(env['HF_HOME']) ?? join(cacheFolder(env), 'huggingface');
  return [set(env['HF_HUB_CACHE']) ?? set(env['HUGGINGFACE_HUB_CACHE']) ?? join(home, 'hub')];
}

function llamaCppFolders(env: Environment): readonly string[] {
  const given = set(env['LLAMA_CACHE']);
  if (given !== null) return [given];
  const local = set(env['LOCALAPPDATA']);
  return [
    join(cacheFolder(env), 'llama.cpp'),
    ...(process.platform === 'darwin' ? [join(home(env), 'Library/Caches/llama.cpp')] : []),
    ...(local === null ? [] : [join(local, 'llama.cpp')]),
  ];
}

function cacheFolder(env: Environment): string {
  return set(env['XDG_CACHE_HOME']) ?? join(home(env), '.cache');
}

function home(env: Environment): string {
  return set(env['HOME']) ?? homedir();
}

/** An empty variable counts as unset, as in the programs that own these variables. */
function set(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

/** Files at `models--owner--repo/snapshots/COMMIT/file`, each a link to `blobs/SHA256`. */
async function hubCacheFiles(
  folder: string,
  file: HubFile,
  source: ForeignFile['source'],
): Promise<readonly ForeignFile[]> {
  const repo = join(folder, `models--${file.owner}--${file.repo}`);
  const found: ForeignFile[] = [];
  for (const commit of await commitsOf(repo, file.revision)) {
    const path = join(repo, 'snapshots', commit, file.file);
    const bytes = await fileBytes(path);
    if (bytes === null) continue;
    found.push({ path, source, bytes, sha256: await blobDigest(path) });
  }
  return found;
}

/** The commit of the revision; for the default revision any other commit is acceptable too. */
async function commitsOf(repo: string, revision: string): Promise<readonly string[]> {
  const ref = await readFile(join(repo, 'refs', revision), 'utf8').catch(() => '');
  const named = [ref.trim(), revision].filter((commit) => /^[0-9a-f]{40}$/.test(commit));
  if (revision !== DEFAULT_REVISION) return named;
  const all = await readdir(join(repo, 'snapshots')).catch(() => []);
  return [...new Set([...named, ...all])].slice(0, SNAPSHOTS_MAX);
}

/** Large files are stored under their sha256. Without links there is no blob, and no digest. */
async function blobDigest(path: string): Promise<string | null> {
  const link = await readlink(path).catch(() => '');
  return isSha256(basename(link)) ? basename(link) : null;
}

function llamaCppNames(reference: PullableReference, file: HubFile | null): readonly string[] {
  // A plain name does not identify the repository: it counts only where a digest settles it.
  const plain = reference.kind === 'known' ? [reference.model.fileName] : [];
  if (file === null || file.revision !== DEFAULT_REVISION) return plain;
  return [[file.owner, file.repo, ...file.file.split('/')].join('_'), ...plain];
}

async function llamaCppFile(path: string): Promise<readonly ForeignFile[]> {
  const bytes = await fileBytes(path);
  if (bytes === null) return [];
  const etag = await readFile(`${path}.etag`, 'utf8').catch(() => '');
  const digest = etag.trim().replaceAll('"', '');
  return [{ path, source: 'llama-cpp-cache', bytes, sha256: isSha256(digest) ? digest : null }];
}

async function fileBytes(path: string): Promise<number | null> {
  const seen = await stat(path).catch(() => null);
  return seen?.isFile() === true ? seen.size : null;
}
