/** What those look at who run a server. */
import type { FastifyInstance } from 'fastify';
import type { Serving } from '../serving.ts';

export function pageRoutes(server: FastifyInstance, serving: Serving): void {
  const { pairs, metrics } = serving;
  server.get('/', (_, reply) =>
    reply.type('text/plain').send('Pilotfish. The API is at /v1, its models at /v1/models.\n'),
  );
  server.get('/health', (_, reply) => {
    const status = serving.isDraining ? 'draining' : 'ok';
    const load = pairs.map(({ name, engine }) => ({ pair: name, ...engine.load }));
    return reply.code(serving.isDraining ? 503 : 200).send({ status, load });
  });
  server.get('/metrics', async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}
