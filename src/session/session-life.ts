/** The life of a session. Calls in flight are cancelled when it ends, at the latest with the request. */
import { setMaxListeners } from 'node:events';
import { PilotfishError } from '../core/errors.ts';

export class SessionLife {
  readonly #request: AbortSignal;
  readonly #controller = new AbortController();
  readonly #endWithRequest = (): void => this.#controller.abort(this.#request.reason);

  constructor(request: AbortSignal) {
    this.#request = request;
    // A request may have any number of sessions: that they all listen is no leak.
    setMaxListeners(0, request, this.#controller.signal);
    if (request.aborted) this.#endWithRequest();
    else request.addEventListener('abort', this.#endWithRequest, { once: true });
  }

  /** The signal for every call of the session. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    this.#request.removeEventListener('abort', this.#endWithRequest);
    if (this.signal.aborted) return;
    this.#controller.abort(new PilotfishError('disposed', 'The session was closed.'));
  }
}
