import type { FastifyReply } from 'fastify';

/** Fires when the client has left before its answer was whole. */
export function signalOf({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort();
  });
  return left.signal;
}
