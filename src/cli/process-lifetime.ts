/**
 * Ends the process on signals. The first Ctrl-C cancels the work, which frees its resources and ends the
 * process in order. The second ends it at once. If the reader of standard output leaves (`| head`), the
 * work is cancelled, too, but without an error.
 */
import type { EventEmitter } from 'node:events';
import { PilotfishError } from '../core/errors.ts';
import { fileError } from '../storage/file-error.ts';
import { EXIT } from './exit-code.ts';

/** The reason of the signal when the output has no reader any more. */
export class OutputClosed extends Error {
  constructor() {
    super('Standard output was closed by its reader.');
    this.name = 'OutputClosed';
  }
}

/** The parts of `process` that are used, so that a test can play it. */
export interface ProcessEvents {
  on(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): void;
  readonly stdout: Pick<EventEmitter, 'on'>;
  readonly stderr: Pick<EventEmitter, 'on'>;
}

export interface ProcessLifetime {
  readonly signal: AbortSignal;
  /** True after a SIGTERM, which has its own exit code. */
  isTerminated(): boolean;
}

export function processLifetime(host: ProcessEvents): ProcessLifetime {
  const controller = new AbortController();
  let isTerminated = false;
  host.on('SIGINT', () => {
    if (controller.signal.aborted) host.exit(EXIT.interrupted);
    controller.abort(new PilotfishError('aborted', 'Interrupted.'));
  });
  host.on('SIGTERM', () => {
    if (controller.signal.aborted) host.exit(EXIT.terminated);
    isTerminated = true;
    controller.abort(new PilotfishError('aborted', 'Terminated.'));
  });
  host.stdout.on('error', (error: NodeJS.ErrnoException) => {
    controller.abort(isClosedPipe(error) ? new OutputClosed() : outputFailed(error));
  });
  // The loss of notices is no reason to lose the answer.
  host.stderr.on('error', () => {});
  return { signal: controller.signal, isTerminated: () => isTerminated };
}

function isClosedPipe({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED' || code === 'ECONNRESET';
}

function outputFailed(cause: NodeJS.ErrnoException): unknown {
  const otherwise = 'send the output elsewhere';
  return fileError(cause, { action: 'write', path: 'standard output', otherwise });
}
