/** The large model of an engine that is a device: the one behind a hub. */
import { webSocketConnector } from '../../device/connect-web-socket.ts';
import { type ConnectToHub, HUB_CAPABILITIES, HubModel } from '../../device/hub-model.ts';
import { LINK_POLICIES, type LinkPolicy } from '../../device/link-policy.ts';
import type { FrameTransport } from '../../link/frame-transport.ts';
import { isOnThisMachine } from '../../remote/server-address.ts';
import { readKeys } from '../hub/hub-key.ts';
import { readPem } from '../hub/read-pem.ts';
import type { ElsewhereWords, ReachedModel } from './reached-model.ts';

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

const WORDS: ElsewhereWords = { place: 'over a hub', model: "the hub's model" };

/** What is known of any hub before it is reached. */
export const ANY_HUB: Pick<ReachedModel, 'words' | 'capabilities'> = {
  words: WORDS,
  capabilities: HUB_CAPABILITIES,
};

/**
 * Connects, so that a wrong address or key costs no load.
 * @throws PilotfishError `option-invalid`, `hub-unreachable`, `hub-refused`, `engine-busy`, `aborted`
 */
export async function reachHub(
  { url, keyFile, caFile, offline = 'stop', wrapTransport = (one) => one }: HubOptions,
  { env, signal = new AbortController().signal, onNotice }: Surroundings,
): Promise<ReachedModel> {
  const policy = LINK_POLICIES[offline];
  const [key] = await readKeys({ keyFile, env });
  if (key !== undefined && url.startsWith('ws:') && !(URL.canParse(url) && isOnThisMachine(url))) {
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
  const { facts, transport } = await connect(signal);
  return {
    ...ANY_HUB,
    facts,
    bound: facts,
    open: async (vocabulary) => new HubModel({ connect, vocabulary, policy }, facts, transport),
    close: async () => transport.close(),
  };
}
