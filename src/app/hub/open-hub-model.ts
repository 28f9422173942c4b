/** The large model of an engine that is a device: the one behind a hub. */
import { PilotfishError } from '../../core/errors.ts';
import { webSocketConnector } from '../../device/connect-web-socket.ts';
import {
  type ConnectToHub,
  HUB_CAPABILITIES,
  type HubEntrance,
  HubModel,
} from '../../device/hub-model.ts';
import { LINK_POLICIES, type LinkPolicy } from '../../device/link-policy.ts';
import type { FrameTransport } from '../../link/frame-transport.ts';
import type { HubFacts } from '../../link/hub-facts.ts';
import type { Vocabulary } from '../../model/roles.ts';
import { missingCapability } from '../../session/capabilities.ts';
import type { Method, StrategyValue } from '../../strategy/method.ts';
import { METHODS } from '../../strategy/methods.ts';
import type { StrategyOptions } from '../../strategy/strategy-options.ts';
import { strategyValue } from '../../strategy/strategy-value.ts';
import { readKeys } from './hub-key.ts';
import { readPem } from './read-pem.ts';

export interface HubOptions {
  /** `ws://HOST:PORT` or `wss://HOST:PORT`. */
  readonly url: string;
  /** A file with the key; default: the variable PILOTFISH_HUB_KEY, if it is set. */
  readonly keyFile?: string | undefined;
  /** A file with the certificate to trust, in PEM; default: those that this system trusts. */
  readonly caFile?: string | undefined;
  /**
   * While the hub is away: `small` goes on with the small model alone, and marks its tokens; `stop`, the
   * default, ends the request with what it has, once the hub stays away.
   */
  readonly offline?: LinkPolicy['offline'] | undefined;
  /** Wraps each connection. Default: no wrapper. */
  readonly wrapTransport?: ((transport: FrameTransport) => FrameTransport) | undefined;
}

interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((text: string) => void) | undefined;
}

/** A hub that has been reached, before the small model is loaded. */
export interface ReachedHub {
  readonly entrance: HubEntrance;
  /** @param onHub told of the hub's model */
  open(vocabulary: Vocabulary, onHub?: (facts: HubFacts) => void): HubModel;
}

/**
 * Connects, so that a wrong address or key costs no load.
 * @throws PilotfishError `option-invalid`, `hub-unreachable`, `hub-refused`, `engine-busy`, `aborted`
 */
export async function reachHub(
  { url, keyFile, caFile, offline = 'stop', wrapTransport = (one) => one }: HubOptions,
  { env, signal = new AbortController().signal, onNotice }: Surroundings,
): Promise<ReachedHub> {
  const policy = LINK_POLICIES[offline];
  const [key] = await readKeys({ keyFile, env });
  if (key !== undefined && url.startsWith('ws:') && !isOnThisMachine(url)) {
    onNotice?.(
      'The key travels without encryption. Use a hub with TLS and an address with wss://.',
    );
  }
  const ca = caFile === undefined ? undefined : await readPem(caFile, '--hub-ca');
  const { connectMs } = policy;
  const open: ConnectToHub = webSocketConnector({ url, key, ca, connectMs });
  const connect: ConnectToHub = async (given) => {
    const { transport, facts } = await open(given);
    return { transport: wrapTransport(transport), facts };
  };
  const entrance = await connect(signal);
  return {
    entrance,
    open: (vocabulary, onHub) => {
      const { facts, transport } = entrance;
      onHub?.(facts);
      return new HubModel({ connect, vocabulary, policy }, facts, transport);
    },
  };
}

function isOnThisMachine(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

/**
 * @throws PilotfishError `capability-missing` for strategies that ask more of the large model than a hub
 *   gives, naming those that do not
 */
export function checkOverHub(strategies: readonly StrategyValue[], options: StrategyOptions): void {
  for (const value of strategies) {
    const why = missingOverHub(value, options);
    if (why === null) continue;
    const works = METHODS.filter((method) => worksOverHub(method, options)).map(({ name }) => name);
    throw new PilotfishError(
      'capability-missing',
      `The strategy ${value.text} does not work over a hub: ${why}.`,
      { remedy: `Choose one of: ${works.join(', ')}.`, fields: { strategy: value.text } },
    );
  }
}

/**
 * Whether a hub's model can be the large model of a method, at its default threshold. What a trained
 * head asks of it shows once the head is found.
 */
export function worksOverHub(method: Method, options: StrategyOptions): boolean {
  return method.needs.includes('large') && missingOverHub(strategyValue(method), options) === null;
}

function missingOverHub(value: StrategyValue, options: StrategyOptions): string | null {
  const { method } = value;
  const other = method.needs.find((label) => label !== 'small' && label !== 'large');
  if (other !== undefined) return `it needs a ${other} model beside the pair`;
  if (!hasHead(method, options)) return null;
  // No fit changes what is asked of the large model, and none may have been found yet.
  const uplink = { sends: options.uplink?.sends };
  const { needs } = method.build(value, { ...options, uplink });
  const missing = missingCapability(needs.large ?? {}, HUB_CAPABILITIES);
  return missing === null ? null : missing.replace(/^it /, "the hub's model ");
}

function hasHead({ head }: Method, { routers, rewards }: StrategyOptions): boolean {
  if (head === null) return true;
  return (head.kind === 'router' ? routers : rewards)?.has(head.name) === true;
}
