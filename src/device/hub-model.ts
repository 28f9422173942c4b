/** The large model behind a hub, as a device has it: no weights, no logits, verdicts over a link. */
import { type Clock, systemClock } from '../core/clock.ts';
import { PilotfishError } from '../core/errors.ts';
import type { ModelId } from '../core/model-id.ts';
import type { FrameTransport } from '../link/frame-transport.ts';
import type { HubFacts } from '../link/hub-facts.ts';
import type { OpenMessage } from '../link/messages.ts';
import type { Vocabulary } from '../model/roles.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RemoteFacts, RemoteModel } from '../session/remote-model.ts';
import type { Session, SessionRequest } from '../session/session.ts';
import { vocabularyDigest } from '../vocabulary/vocabulary-digest.ts';
import { HubLink } from './hub-link.ts';
import { HubSession, type SessionHome } from './hub-session.ts';
import { HubVocabulary } from './hub-vocabulary.ts';
import { LINK_POLICIES, type LinkPolicy } from './link-policy.ts';

/** A connection to a hub, which has said what model it serves. */
export interface HubEntrance {
  readonly transport: FrameTransport;
  readonly facts: HubFacts;
}

/** @throws PilotfishError `hub-unreachable`, `hub-refused`, `aborted` */
export type ConnectToHub = (signal: AbortSignal) => Promise<HubEntrance>;

export interface HubModelOptions {
  readonly connect: ConnectToHub;
  /** The vocabulary of the small model. */
  readonly vocabulary: Vocabulary;
  readonly policy?: LinkPolicy | undefined;
  readonly clock?: Clock | undefined;
}

/** Its rows are tokens that it draws with the request's noise. */
export const HUB_CAPABILITIES: SessionCapabilities = {
  reads: { logprob: true },
  outputRowCountMax: 1,
  sharesNoise: true,
  keepsGrammar: false,
  givesVerdicts: true,
  continuesTexts: true,
  input: 'token-ids',
};

/** Connections that are kept for the next requests. */
const IDLE_LINK_COUNT_MAX = 16;

export class HubModel implements RemoteModel, SessionHome {
  readonly facts: RemoteFacts;
  readonly vocabulary: Vocabulary;
  readonly capabilities: SessionCapabilities = HUB_CAPABILITIES;
  readonly policy: LinkPolicy;
  readonly clock: Clock;
  /** What every request tells the hub of its tokens. */
  readonly tokens: OpenMessage['vocabulary'];
  readonly #connect: ConnectToHub;
  readonly #idle: HubLink[] = [];
  #isClosed = false;

  /** @param transport a first connection */
  constructor(options: HubModelOptions, facts: HubFacts, transport: FrameTransport) {
    const { vocabulary, policy = LINK_POLICIES.stop, clock = systemClock } = options;
    checkSize(vocabulary.size, facts);
    this.facts = facts;
    this.vocabulary = new HubVocabulary(vocabulary, facts.endOfGenerationIds);
    this.policy = policy;
    this.clock = clock;
    this.tokens = { digest: vocabularyDigest(vocabulary, vocabulary.size), size: vocabulary.size };
    this.#connect = options.connect;
    this.#idle.push(new HubLink(transport, vocabulary.size));
  }

  openSession(id: ModelId, request: SessionRequest): Session {
    return new HubSession(this, id, request);
  }

  /** @throws PilotfishError as `ConnectToHub` */
  async connect(signal: AbortSignal): Promise<HubLink> {
    if (this.#isClosed) throw new PilotfishError('disposed', 'The model was closed.');
    for (let link = this.#idle.pop(); link !== undefined; link = this.#idle.pop()) {
      if (link.isReusable) return link;
      link.close();
    }
    const { transport } = await this.#connect(signal);
    return new HubLink(transport, this.tokens.size);
  }

  giveBack(link: HubLink): void {
    if (this.#isClosed || this.#idle.length >= IDLE_LINK_COUNT_MAX) link.close();
    else this.#idle.push(link);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const link of this.#idle) link.close();
    this.#idle.length = 0;
  }
}

/** @throws PilotfishError `vocabulary-mismatch` */
function checkSize(size: number, { name, vocabularySize }: HubFacts): void {
  if (size <= vocabularySize) return;
  throw new PilotfishError(
    'vocabulary-mismatch',
    `The small model has ${size} tokens, and ${name} on the hub has ${vocabularySize}.`,
    {
      remedy: "Choose a small model of the family of the hub's large model.",
      fields: { smallSize: size, largeSize: vocabularySize },
    },
  );
}
