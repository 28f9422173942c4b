/**
 * Runs a program to its end; on an abort, ends it with every process that it started.
 * Invariant: when the promise settles, the program is gone; when this process ends, so is it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Environment } from './catalog-context.ts';

export interface ChildOptions {
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** The length of the end of standard error that is kept. */
  readonly outputCharactersMax: number;
  readonly killGraceMs: number;
}

export interface ChildResult {
  /** Null if the program could not be started or was killed. */
  readonly exitCode: number | null;
  readonly stderr: string;
}

const IS_WINDOWS = process.platform === 'win32';
const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Never rejects: for a program that cannot be started, the result holds the reason. */
export function runChild(
  command: readonly [string, ...string[]],
  options: ChildOptions,
): Promise<ChildResult> {
  const [program, ...args] = command;
  const { signal } = options;
  if (signal.aborted) return Promise.resolve({ exitCode: null, stderr: '' });
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: options.env,
      stdio: ['ignore', 'ignore', 'pipe'],
      // A process group of its own, so that the program's helpers end with it.
      detached: !IS_WINDOWS,
      windowsHide: true,
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-options.outputCharactersMax);
    });
    const cleanUp = endWithUs(child);
    const kill = gracefulKill(child, options.killGraceMs);
    signal.addEventListener('abort', kill.start);
    const settle = (result: ChildResult): void => {
      signal.removeEventListener('abort', kill.start);
      // A helper that outlives the program must not outlive this call.
      if (kill.isStarted()) killGroup(child, 'SIGKILL');
      kill.stop();
      cleanUp();
      resolve(result);
    };
    child.once('error', (error) => settle({ exitCode: null, stderr: error.message }));
    child.once('close', (exitCode) => settle({ exitCode, stderr }));
  });
}

function gracefulKill(child: ChildProcess, graceMs: number) {
  let timer: NodeJS.Timeout | null = null;
  return {
    start: (): void => {
      killGroup(child, 'SIGTERM');
      timer = setTimeout(() => killGroup(child, 'SIGKILL'), graceMs);
    },
    isStarted: (): boolean => timer !== null,
    stop: (): void => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  if (IS_WINDOWS) {
    spawn('taskkill', ['/pid', String(child.pid), '/T', '/F'], { stdio: 'ignore' }).once(
      'error',
      () => child.kill(signal),
    );
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has already ended.
  }
}

/**
 * Ends the child when this process ends: a process group of its own receives neither Ctrl-C nor a
 * hang-up.
 * @returns undoes the arrangement
 */
function endWithUs(child: ChildProcess): () => void {
  const onExit = (): void => killGroup(child, 'SIGKILL');
  const onSignal = (signal: NodeJS.Signals): void => {
    const isOurs = process.listenerCount(signal) === 1;
    // Another listener handles the signal: this process goes on, and cancels the program if it
    // wants to.
    if (!isOurs) return;
    onExit();
    process.removeListener(signal, onSignal);
    process.kill(process.pid, signal);
  };
  process.once('exit', onExit);
  for (const signal of END_SIGNALS) process.on(signal, onSignal);
  return () => {
    process.removeListener('exit', onExit);
    for (const signal of END_SIGNALS) process.removeListener(signal, onSignal);
  };
}
