/** Who may call: requests of this machine without a key, others with one; and under which names. */
import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AccessKeys } from '../http/access-keys.ts';
import { RequestError } from './refusal.ts';

export interface AdmissionOptions {
  /** None: no key is asked for. */
  readonly keys: readonly string[];
  /** The names of this server beside those of this machine, as in the header `host`. */
  readonly hosts: readonly string[];
}

/** For load balancers and browsers, which have no key. */
const OPEN_PATHS: readonly string[] = ['/', '/health'];

export function admission(server: FastifyInstance, { keys, hosts }: AdmissionOptions): void {
  const access = new AccessKeys(keys);
  server.addHook('onRequest', async ({ headers, url }) => {
    // A page of another site reaches this machine under the site's own name.
    if (keys.length === 0 && !isOwnHost(headers.host, hosts)) {
      const name = JSON.stringify(headers.host ?? '');
      const message = `This server is not called ${name}. Allow the name with --allowed-host.`;
      throw new RequestError(403, message, { code: 'host_not_allowed' });
    }
    if (OPEN_PATHS.includes(url) || access.ownerOf(headers.authorization) !== null) return;
    const message = 'The key is missing or wrong. Give one as "Authorization: Bearer KEY".';
    throw new RequestError(401, message, { code: 'invalid_api_key' });
  });
}

/** @param header the name and the port */
export function isOwnHost(header: string | undefined, hosts: readonly string[]): boolean {
  const name = /^(\[[^\]]+\]|[^:]*)(:\d+)?$/.exec(header ?? '')?.[1] ?? '';
  const bare = name.replace(/^\[|\]$/g, '').toLowerCase();
  if (bare === 'localhost' || bare === '::1') return true;
  // A number is no name that somebody else could point here.
  return isIP(bare) !== 0 || hosts.includes(bare);
}
