/** `GET /v1/models`: the strategies of all pairs, each as a model. */
import type { FastifyInstance } from 'fastify';
import { listedModels } from '../served-pairs.ts';
import type { Serving } from '../serving.ts';

export function modelRoutes(server: FastifyInstance, { pairs }: Serving): void {
  const created = Math.floor(Date.now() / 1000);
  const data = listedModels(pairs).map(({ name, pair }) => ({
    ...{ id: name, object: 'model', created, owned_by: 'pilotfish' },
    pilotfish: { pair },
  }));
  server.get('/v1/models', () => ({ object: 'list', data }));
}
