/**
 * The context of every part of the catalog: the caller's options with their defaults, the named
 * limits, and the few file system calls that tests replace.
 */
import { type FileHandle, open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import envPaths from 'env-paths';
import type { OnNotice, OnProgress, Progressing } from '../core/progress.ts';
import type { Environment } from '../http/dispatcher.ts';
import { PULL_LIMITS, type PullLimits } from './pull-limits.ts';

export type { Environment };

export interface EnsureModelOptions extends Progressing {
  /** The folder of our own cache. Default: PILOTFISH_HOME, else the cache folder of this system. */
  readonly home?: string | undefined;
  /** Use only files on this machine. HF_HUB_OFFLINE=1 does the same. */
  readonly offline?: boolean | undefined;
  /** Default: process.env. */
  readonly env?: Environment | undefined;
}

/** File system calls whose failures tests must be able to cause. */
export interface Disk {
  freeBytes(folder: string): Promise<number>;
  open(path: string, flags: string): Promise<FileHandle>;
}

export interface CatalogContext {
  readonly home: string;
  readonly offline: boolean;
  readonly env: Environment;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: OnProgress;
  readonly onNotice: OnNotice;
  readonly limits: PullLimits;
  readonly disk: Disk;
}

const REAL_DISK: Disk = {
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  open: (path, flags) => open(path, flags),
};

export function catalogContext(
  options: EnsureModelOptions = {},
  overrides: { readonly limits?: Partial<PullLimits>; readonly disk?: Partial<Disk> } = {},
): CatalogContext {
  const env = options.env ?? process.env;
  return {
    home: options.home ?? defaultHome(env),
    offline: options.offline === true || isSwitchedOn(env['HF_HUB_OFFLINE']),
    env,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => undefined),
    onNotice: options.onNotice ?? (() => undefined),
    limits: { ...PULL_LIMITS, ...overrides.limits },
    disk: { ...REAL_DISK, ...overrides.disk },
  };
}

/** The folder of the models in our own cache. */
export function modelsFolder(context: CatalogContext): string {
  return join(context.home, 'models');
}

function defaultHome(env: Environment): string {
  const given = env['PILOTFISH_HOME'];
  return given !== undefined && given !== '' ? given : envPaths('pilotfish', { suffix: '' }).cache;
}

/** The values that the Python hub client takes for "yes". */
function isSwitchedOn(value: string | undefined): boolean {
  return ['1', 'on', 'yes', 'true'].includes((value ?? '').toLowerCase());
}
