/** A model on a server that takes token ids, as the engine sees it: no weights, no logits, calls. */
import { type Clock, systemClock } from '../core/clock.ts';
import { invariant } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Vocabulary } from '../model/roles.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RemoteFacts, RemoteModel } from '../session/remote-model.ts';
import type { Session, SessionRequest } from '../session/session.ts';
import { Attempts } from './attempts.ts';
import type { Dialect } from './dialect.ts';
import { isDecidedByTop } from './draw-from-top.ts';
import { capabilitiesFor } from './served-capabilities.ts';
import { type ServedHome, ServedSession } from './served-session.ts';
import type { ServerClient } from './server-client.ts';
import { needsWholeMask } from './token-limit.ts';

export interface ServedModelOptions {
  readonly client: ServerClient;
  readonly dialect: Dialect;
  /** The model's name on the server. */
  readonly servedName: string;
  readonly facts: RemoteFacts;
  readonly capabilities: SessionCapabilities;
  /** The vocabulary of the small model, whose tokens are the same. */
  readonly vocabulary: Vocabulary;
  readonly clock?: Clock | undefined;
}

export class ServedModel implements RemoteModel, ServedHome {
  readonly isBilled = true;
  readonly client: ServerClient;
  readonly dialect: Dialect;
  readonly servedName: string;
  readonly facts: RemoteFacts;
  readonly capabilities: SessionCapabilities;
  readonly vocabulary: Vocabulary;
  readonly clock: Clock;
  readonly attempts: Attempts;
  readonly endToken: TokenId;

  constructor(options: ServedModelOptions) {
    const { client, dialect, servedName, facts, capabilities, vocabulary } = options;
    const { clock = systemClock } = options;
    this.client = client;
    this.dialect = dialect;
    this.servedName = servedName;
    this.facts = facts;
    this.capabilities = capabilities;
    this.vocabulary = vocabulary;
    this.clock = clock;
    this.attempts = new Attempts({ limits: client.limits, clock });
    const [endToken] = vocabulary.endOfGenerationIds();
    invariant(endToken !== undefined, 'a vocabulary has a token that ends a text');
    this.endToken = endToken;
  }

  capabilitiesFor(sampling: SamplingParams, hasGrammar: boolean): SessionCapabilities {
    return capabilitiesFor(this.capabilities, sampling, hasGrammar);
  }

  missingSampling(sampling: SamplingParams, hasGrammar: boolean): string | null {
    const missing = this.dialect.missingSampling(sampling, this.facts.contextLength);
    return missing ?? (hasGrammar ? this.#missingMasks(sampling) : null);
  }

  /** A draw from the largest log-probabilities finds enough allowed tokens among them, as a rule. */
  #missingMasks(sampling: SamplingParams): string | null {
    const { neverCountMax } = this.dialect.maskLimits(sampling);
    const { topLogprobs = 0 } = this.capabilities.reads;
    const isAble = !needsWholeMask(sampling) || isDecidedByTop(sampling, topLogprobs);
    if (isAble || neverCountMax >= this.vocabulary.size) return null;
    return `it takes ${neverCountMax} forbidden tokens, too few for a grammar with top-k, top-p or min-p`;
  }

  openSession(id: ModelId, request: SessionRequest): Session {
    return new ServedSession(this, id, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}
