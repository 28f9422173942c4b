/** What a server and its model can do, and which strategies could use it: `pilotfish models inspect`. */
import type { Environment } from '../catalog/catalog-context.ts';
import { isServerAddress } from '../remote/server-address.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import { METHODS } from '../strategy/methods.ts';
import { namedServer } from './elsewhere/named-servers.ts';
import { withNamedServer } from './elsewhere/reach-elsewhere.ts';
import { reachServer, type ServerOptions } from './elsewhere/reach-server.ts';
import { worksElsewhere } from './elsewhere/reached-model.ts';
import type { PairOptions } from './pair-options.ts';

/** Whether a text is the address of a server, or the name of one in the user's file. */
export async function isServer(text: string, env?: Environment): Promise<boolean> {
  return isServerAddress(text) || (await namedServer(text, env)) !== null;
}

export interface InspectServerOptions extends Pick<PairOptions, 'env' | 'signal' | 'home'> {
  readonly server?: ServerOptions | undefined;
}

export interface InspectedServer {
  readonly engine: string;
  readonly host: string;
  /** The model's name on the server. */
  readonly model: string;
  /** Null: the server does not say. */
  readonly version: string | null;
  readonly contextLength: number | null;
  readonly capabilities: SessionCapabilities;
  /** The strategies that can have it as the large model of a small one with the same tokens. */
  readonly strategies: readonly string[];
}

/**
 * Asks the server again, whatever is kept of earlier questions.
 * @param large an address, or a name in the user's file
 * @throws PilotfishError `option-invalid`, `server-unreachable`, `server-refused`, `server-invalid`,
 *   `aborted`
 */
export async function inspectServer(
  large: string,
  given: InspectServerOptions = {},
): Promise<InspectedServer> {
  const { large: address, server, ...surroundings } = await withNamedServer({ ...given, large });
  const reached = await reachServer(address, { ...server, probesAnew: true }, surroundings);
  await reached.close();
  const { kind, host, servedName, version, contextLength } = reached.server;
  return {
    ...{ engine: kind, host, model: servedName, version, contextLength },
    capabilities: reached.capabilities,
    strategies: METHODS.filter((method) => worksElsewhere(method, {}, reached)).map(
      ({ name }) => name,
    ),
  };
}
