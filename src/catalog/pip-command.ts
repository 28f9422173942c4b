/**
 * The user's own pip, so that the user's own configuration (mirrors, proxies, certificates) decides
 * where packages come from. Only wheels are accepted: a source archive would run its own code.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { abortError } from '../core/errors.ts';
import type { CatalogContext } from './catalog-context.ts';
import { type ChildResult, runChild } from './child-process.ts';
import { diskFull, fileSystemError } from './file-system-error.ts';
import { SourceFailure } from './source-failure.ts';

export type PipCommand = readonly [string, ...string[]];

const CANDIDATES: readonly PipCommand[] = [
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
  ['pip3'],
  ['pip'],
];
const REASON_CHARACTERS_MAX = 300;
const FILES_COUNTED_MAX = 1000;

/** The first pip that runs. @throws SourceFailure if none does */
export async function findPip(context: CatalogContext): Promise<PipCommand> {
  const { limits } = context;
  for (const command of CANDIDATES) {
    const deadline = AbortSignal.timeout(limits.pipVersionTimeoutMs);
    const result = await run([...command, '--version'], context, { deadline, extraEnv: {} });
    if (result.exitCode === 0) return command;
  }
  throw new SourceFailure('there is no pip (tried python3 -m pip, python -m pip, pip3 and pip)');
}

export interface WheelRequest {
  /** In pip's form: NAME==VERSION. */
  readonly requirement: string;
  /** A folder of our own; its earlier contents are removed. */
  readonly folder: string;
  /** Called from time to time with the size of the largest file so far. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Downloads one wheel.
 * @returns its path inside the folder
 * @throws SourceFailure, PilotfishError `disk-full`, `file-system-failed`, `aborted`
 */
export async function downloadWheel(
  pip: PipCommand,
  request: WheelRequest,
  context: CatalogContext,
): Promise<string> {
  const wheels = join(request.folder, 'wheels');
  const scratch = join(request.folder, 'scratch');
  try {
    await rm(request.folder, { recursive: true, force: true });
    await mkdir(wheels, { recursive: true });
    await mkdir(scratch, { recursive: true });
  } catch (error) {
    throw fileSystemError(error, 'create', request.folder);
  }
  const flags =
    '--no-deps --only-binary=:all: --no-cache-dir --disable-pip-version-check --no-input -q';
  const watch = watchGrowth(request, context);
  const command: PipCommand = [
    ...pip,
    'download',
    ...flags.split(' '),
    '-d',
    wheels,
    request.requirement,
  ];
  // pip's scratch files stay in our folder: one disk to check, one folder to clean.
  const extraEnv = { TMPDIR: scratch, TEMP: scratch, TMP: scratch };
  const result = await run(command, context, { deadline: watch.stalled, extraEnv }).finally(
    watch.stop,
  );
  if (watch.stalled.aborted) throw new SourceFailure('pip stalled', { isRetryable: true });
  if (result.exitCode !== 0) throw pipFailure(result, request);
  const names = (await readdir(wheels)).filter((name) => name.endsWith('.whl'));
  const [name] = names;
  if (name === undefined || names.length > 1) {
    throw new SourceFailure(`pip left ${names.length} wheels for ${request.requirement}`);
  }
  return join(wheels, name);
}

interface RunOptions {
  readonly deadline: AbortSignal;
  readonly extraEnv: Readonly<Record<string, string>>;
}

/** @throws PilotfishError `aborted` */
async function run(
  command: PipCommand,
  { env, signal, limits }: CatalogContext,
  { deadline, extraEnv }: RunOptions,
): Promise<ChildResult> {
  const result = await runChild(command, {
    env: { ...env, ...extraEnv },
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    outputCharactersMax: limits.pipOutputCharactersMax,
    killGraceMs: limits.killGraceMs,
  });
  if (signal?.aborted === true) throw abortError(signal);
  return result;
}

/** pip reports no progress without a terminal, but its files grow. */
function watchGrowth(
  { folder, onBytes }: WheelRequest,
  { limits }: CatalogContext,
): { readonly stalled: AbortSignal; readonly stop: () => void } {
  const stall = new AbortController();
  let bytesMax = 0;
  let grownAtMs = Date.now();
  const look = async (): Promise<void> => {
    const bytes = await largestFileBytes(folder);
    if (bytes > bytesMax) {
      bytesMax = bytes;
      grownAtMs = Date.now();
      onBytes(bytes);
    } else if (Date.now() - grownAtMs > limits.pipStallTimeoutMs) {
      stall.abort();
    }
  };
  // A file that vanishes during the check is a change by pip: the next check sees the result.
  const timer = setInterval(() => void look().catch(() => undefined), limits.pipPollMs);
  return { stalled: stall.signal, stop: () => clearInterval(timer) };
}

async function largestFileBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).slice(0, FILES_COUNTED_MAX);
  const sizes = await Promise.all(
    files.map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  );
  return Math.max(0, ...sizes);
}

function pipFailure({ stderr }: ChildResult, { requirement, folder }: WheelRequest): Error {
  if (/No space left on device|\[Errno 28\]/.test(stderr)) return diskFull(folder, null);
  const lines = stderr.split('\n').map((line) => line.trim());
  const errors = lines.filter((line) => /^ERROR:/i.test(line));
  const line = errors.at(-1) ?? lines.filter((text) => text !== '').at(-1) ?? 'no reason given';
  const reason = withoutPasswords(line.replace(/^ERROR:\s*/i, '')).slice(0, REASON_CHARACTERS_MAX);
  // A package that does not exist will not exist a second later either.
  const isRetryable = !/No matching distribution/i.test(stderr);
  return new SourceFailure(`pip could not download ${requirement}: ${reason}`, { isRetryable });
}

function withoutPasswords(text: string): string {
  return text.replaceAll(/\/\/[^/@\s]+@/g, '//');
}
