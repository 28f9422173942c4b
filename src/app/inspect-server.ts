/** What a server and its model can do, and which strategies could use it: `pilotfish models inspect`. */
import { isServerAddress } from '../remote/server-address.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import { METHODS } from '../strategy/methods.ts';
import { reachServer, type ServerOptions } from './elsewhere/reach-server.ts';
import { worksElsewhere } from './elsewhere/reached-model.ts';
import type { PairOptions } from './pair-options.ts';

/** Whether a text is meant as the address of a server, and not as a model's name or file. */
export function isServer(text: string): boolean {
  return isServerAddress(text);
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
 * @throws PilotfishError `option-invalid`, `server-unreachable`, `server-refused`, `server-invalid`,
 *   `aborted`
 */
export async function inspectServer(
  address: string,
  { server: options, ...surroundings }: InspectServerOptions = {},
): Promise<InspectedServer> {
  const reached = await reachServer(address, options, surroundings);
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
