/** Serves a pair of models over the OpenAI API: each strategy is a model. */
import { DEFAULT_PAIR } from '../catalog/known-pairs.ts';
import { PilotfishError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { type ApiServer, apiServer, checkListening } from '../server/api-server.ts';
import { isOfPair } from '../strategy/method.ts';
import { METHODS } from '../strategy/methods.ts';
import { asStrategy, STRATEGY_DEFAULT, strategyValue } from '../strategy/strategy-value.ts';
import { elsewhereRole, withNamedServer } from './elsewhere/reach-elsewhere.ts';
import { readKeys } from './hub/hub-key.ts';
import { inspectServer } from './inspect-server.ts';
import { type OpenEngineOptions, openEngine } from './open-engine.ts';

export interface RunServerOptions extends OpenEngineOptions {
  /** Default `127.0.0.1`. Another one needs a key. */
  readonly host?: string | undefined;
  /** Default 7430; 0: any. */
  readonly port?: number | undefined;
  /** A file with one key a line; default: the variable PILOTFISH_API_KEY, if it is set. */
  readonly keyFile?: string | undefined;
  /** Names under which clients of a server without keys may call it, beside those of this machine. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** How long requests may go on while the server drains; default 30 s. */
  readonly drainMs?: number | undefined;
  /** Told of failures that no client caused. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export interface RunningServer extends AsyncDisposable {
  /** `http://HOST:PORT` */
  readonly url: string;
  readonly strategies: readonly string[];
  readonly strategyDefault: string;
  readonly hasKeys: boolean;
}

export const SERVER_HOST_DEFAULT = '127.0.0.1';
export const SERVER_PORT_DEFAULT = 7430;
const DRAIN_MS_DEFAULT = 30_000;
const KEY_VARIABLE = 'PILOTFISH_API_KEY';

/**
 * Loads the pair and listens. Closing it drains: requests may end, and all connections are closed at the
 * latest after `drainMs`.
 * @throws PilotfishError `option-invalid` for a host without a key or a port that is taken, and what
 *   `openEngine` throws; nothing stays loaded then
 */
export async function runServer(options: RunServerOptions = {}): Promise<RunningServer> {
  const { host = SERVER_HOST_DEFAULT, port = SERVER_PORT_DEFAULT } = options;
  const { drainMs = DRAIN_MS_DEFAULT, allowedHosts = [], onFailure = () => undefined } = options;
  const keys = await readKeys({ ...options, variable: KEY_VARIABLE });
  checkListening(host, keys);
  const wanted = await wantedStrategies(options);
  const engine = await openEngine({ ...options, strategies: wanted, headsOptional: true });
  let server: ApiServer | null = null;
  try {
    const strategies = wanted.filter((name) => works(engine, name));
    const [strategyDefault = 'small'] = [STRATEGY_DEFAULT.text, 'large'].filter((name) =>
      strategies.includes(name),
    );
    const name = options.pair ?? DEFAULT_PAIR.name;
    const pairs = [{ name, engine, strategies, strategyDefault }];
    server = apiServer({ pairs, keys, hosts: allowedHosts, onFailure });
    const url = await server.listen(host, port);
    return {
      ...{ url, strategies, strategyDefault, hasKeys: keys.length > 0 },
      [Symbol.asyncDispose]: async () => {
        await server?.drain(drainMs);
        await engine.close();
      },
    };
  } catch (error) {
    await server?.[Symbol.asyncDispose]();
    await engine.close();
    throw error;
  }
}

/** The given ones; else all that need no model beside the pair, and that a server's model can do. */
async function wantedStrategies(given: RunServerOptions): Promise<readonly string[]> {
  if (given.strategies !== undefined)
    return [...new Set(given.strategies.map((one) => asStrategy(one).method.name))];
  const all = METHODS.filter(isOfPair).map(({ name }) => name);
  const options = await withNamedServer(given);
  if (elsewhereRole(options) === null) return all;
  if (options.large === undefined || options.hub !== undefined) return ['small', 'large'];
  const { strategies } = await inspectServer(options.large, options);
  return all.filter((name) => name === 'small' || strategies.includes(name));
}

/** What a trained head or the models cannot do is found here, before a client asks for it. */
function works(engine: Engine, name: string): boolean {
  try {
    engine.check({ prompt: 'a', strategy: strategyValue(asStrategy(name).method) });
    return true;
  } catch (error) {
    if (PilotfishError.isInstance(error)) return false;
    throw error;
  }
}
