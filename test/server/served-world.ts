/** A server over scripted models. */
import { Engine } from '../../src/engine/engine.ts';
import { type ApiServer, apiServer } from '../../src/server/api-server.ts';
import { local } from '../remote/remote-world.ts';

export interface ServedWorld extends AsyncDisposable {
  readonly server: ApiServer;
  readonly engine: Engine;
  readonly failures: readonly unknown[];
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answered>;
}

interface Answered {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export const STRATEGIES: readonly string[] = ['small', 'large', 'random', 'margin', 'speculative'];

export function servedWorld(
  options: { readonly keys?: readonly string[]; readonly hosts?: readonly string[] } = {},
): ServedWorld {
  const engine = new Engine({
    models: { small: local('small'), large: local('large') },
    speculative: { proposer: 'small', draftLength: 3 },
  });
  const failures: unknown[] = [];
  const pair = { name: 'fake', engine, strategies: STRATEGIES, strategyDefault: 'margin' };
  const { keys = [], hosts = [] } = options;
  const server = apiServer({
    ...{ pairs: [pair], keys, hosts, onFailure: (error) => failures.push(error) },
  });
  const { app } = server;
  return {
    ...{ server, engine, failures },
    post: async (url, payload, headers = {}) =>
      await app.inject({
        ...{ method: 'POST', url, headers: { 'content-type': 'application/json', ...headers } },
        payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
      }),
    get: async (url, headers = {}) => await app.inject({ method: 'GET', url, headers }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await engine.close();
    },
  };
}

/** The objects of a stream; the last line is its end. */
export function partsOf(body: string): readonly Record<string, unknown>[] {
  const lines = body.split('\n\n').filter((line) => line !== '');
  if (lines.at(-1) !== 'data: [DONE]') throw new Error(`a stream without an end: ${lines.at(-1)}`);
  return lines.slice(0, -1).map((line) => JSON.parse(line.replace(/^data: /, '')));
}
