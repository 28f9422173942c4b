import type { FastifyReply, FastifyRequest } from 'fastify';
import { EVENT_STREAM_HEADERS, serverSent } from '../openai/server-sent.ts';
import { refusalOf } from '../refusal.ts';

/** Sends parts as server-sent events. A failure in the middle is the last event. */
export function sendStream(
  request: FastifyRequest,
  reply: FastifyReply,
  parts: AsyncIterable<object>,
): FastifyReply {
  const stream = serverSent(parts, (error) => {
    request.log.error({ err: error }, 'an answer ended early');
    return refusalOf(error).body;
  });
  return reply.headers(EVENT_STREAM_HEADERS).send(stream);
}
