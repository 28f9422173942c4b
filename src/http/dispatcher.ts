/** How this program connects over HTTP: with time limits, and by the proxy that the environment names. */
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConnectionLimits {
  readonly connectTimeoutMs: number;
  /** The time without a byte after which a connection counts as dead. */
  readonly stallTimeoutMs: number;
  /** Default: no limit. */
  readonly connectionCountMax?: number | undefined;
  /** The certificate to trust, in PEM; default: those that this system trusts. */
  readonly ca?: string | undefined;
}

/** @param refusal makes the error to throw if the address of the proxy is none */
export function dispatcherOf(
  env: Environment,
  { connectTimeoutMs, stallTimeoutMs, connectionCountMax, ca }: ConnectionLimits,
  refusal: (cause: unknown) => Error,
): Dispatcher {
  const options: Agent.Options = {
    connect: { timeout: connectTimeoutMs, ...(ca === undefined ? {} : { ca }) },
    headersTimeout: stallTimeoutMs,
    bodyTimeout: stallTimeoutMs,
    ...(connectionCountMax === undefined ? {} : { connections: connectionCountMax }),
  };
  const httpProxy = env['http_proxy'] ?? env['HTTP_PROXY'] ?? '';
  const httpsProxy = env['https_proxy'] ?? env['HTTPS_PROXY'] ?? '';
  const noProxy = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  if (httpProxy === '' && httpsProxy === '') return new Agent(options);
  try {
    const timeout = connectTimeoutMs;
    const requestTls = { timeout, ...(ca === undefined ? {} : { ca }) };
    return new EnvHttpProxyAgent({
      ...{ ...options, requestTls, proxyTls: { timeout }, httpProxy, httpsProxy, noProxy },
    });
  } catch (error) {
    throw refusal(error);
  }
}
