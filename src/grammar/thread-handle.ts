/**
 * One thread as seen from outside. It answers one call at a time, each with a deadline, and it
 * certainly ends.
 */
import { Worker } from 'node:worker_threads';
import { PilotfishError } from '../core/errors.ts';
import { InvariantError, invariant } from '../core/invariant.ts';
import type { ThreadCall, ThreadReply, ThreadValue } from './thread-calls.ts';
import type { PackedVocabulary } from './xgrammar.ts';

interface Pending {
  readonly resolve: (value: ThreadValue) => void;
  readonly reject: (error: unknown) => void;
  readonly deadline: NodeJS.Timeout;
}

export class ThreadHandle {
  readonly #worker: Worker;
  #pending: Pending | null = null;
  #hasEnded = false;

  constructor(vocabulary: PackedVocabulary) {
    this.#worker = startThread(vocabulary);
    // Only calls keep the process alive.
    this.#worker.unref();
    this.#worker.on('message', (reply: ThreadReply) => this.#answered(reply));
    this.#worker.on('error', (error) => this.#failed(threadError(error)));
    this.#worker.on('exit', () => this.#failed(threadError(null)));
  }

  /** Whether the thread has ended and answers no more calls. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * @throws PilotfishError the error that the thread reports; `grammar-invalid` if the call takes
   *   longer than `deadlineMs`, after which the thread has ended
   */
  call(call: ThreadCall, deadlineMs: number): Promise<ThreadValue> {
    invariant(this.#pending === null && !this.#hasEnded, 'the thread answers one call at a time');
    return new Promise((resolve, reject) => {
      const deadline = setTimeout(() => this.#failed(tooSlow(deadlineMs)), deadlineMs);
      this.#pending = { resolve, reject, deadline };
      this.#worker.ref();
      this.#worker.postMessage(call);
    });
  }

  /** Sends a message that gets no answer, also while a call runs. */
  tell(call: ThreadCall): void {
    if (!this.#hasEnded) this.#worker.postMessage(call);
  }

  async end(reason: PilotfishError): Promise<void> {
    this.#failed(reason);
    await this.#worker.terminate();
  }

  #answered(reply: ThreadReply): void {
    if (reply.isDone) this.#settle()?.resolve(reply.value);
    else if (reply.isFatal) this.#failed(reported(reply));
    else this.#settle()?.reject(reported(reply));
  }

  /** Ends the thread, because its engine may be inconsistent or busy for ever. */
  #failed(error: unknown): void {
    this.#hasEnded = true;
    void this.#worker.terminate();
    this.#settle()?.reject(error);
  }

  #settle(): Pending | null {
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null) clearTimeout(pending.deadline);
    this.#worker.unref();
    return pending;
  }
}

/** When run from source, whose files end in .ts, the thread needs tsx as the process does. */
function startThread(workerData: PackedVocabulary): Worker {
  if (!import.meta.url.endsWith('.ts')) {
    return new Worker(new URL('./grammar-thread.js', import.meta.url), { workerData });
  }
  const { href } = new URL('./grammar-thread.ts', import.meta.url);
  const start = `import('tsx/esm/api').then((tsx) => (tsx.register(), import('${href}')))`;
  return new Worker(start, { eval: true, workerData });
}

function reported({ code, message, remedy }: Extract<ThreadReply, { isDone: false }>): Error {
  if (code === null) return new InvariantError(message);
  return new PilotfishError(code, message, remedy === null ? {} : { remedy });
}

function tooSlow(deadlineMs: number): PilotfishError {
  return new PilotfishError(
    'grammar-invalid',
    `The grammar is too expensive: one step took more than ${deadlineMs} ms.`,
    { remedy: 'Use a simpler one, with smaller repetition counts.', fields: { deadlineMs } },
  );
}

function threadError(cause: unknown): PilotfishError {
  return new PilotfishError('native-failed', 'The thread that follows grammars ended.', {
    remedy: 'Try again with a simpler grammar.',
    cause,
  });
}
