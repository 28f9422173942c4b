/** A model on a server that takes conversations, as the engine sees it: it only writes. */
import { type Clock, systemClock } from '../core/clock.ts';
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Vocabulary } from '../model/roles.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type { RemoteFacts, RemoteModel } from '../session/remote-model.ts';
import type { Session, SessionRequest } from '../session/session.ts';
import { Attempts } from './attempts.ts';
import type { ChatDialect, LENGTH_NAMES } from './chat-dialect.ts';
import type { ServerClient } from './server-client.ts';
import { type TextHome, TextSession } from './text-session.ts';

export interface TextModelOptions {
  readonly client: ServerClient;
  readonly dialect: ChatDialect;
  readonly servedName: string;
  readonly lengthName: (typeof LENGTH_NAMES)[number];
  readonly facts: RemoteFacts;
  /** The vocabulary of the small model, whose tokens the answers are cut into. */
  readonly vocabulary: Vocabulary;
  readonly clock?: Clock | undefined;
}

export function textCapabilities({
  continues,
}: Pick<ChatDialect, 'continues'>): SessionCapabilities {
  return {
    reads: {},
    outputRowCountMax: 0,
    sharesNoise: false,
    keepsGrammar: false,
    givesVerdicts: false,
    continuesTexts: continues,
    input: 'text',
  };
}

export class TextModel implements RemoteModel, TextHome {
  readonly isBilled = true;
  readonly client: ServerClient;
  readonly dialect: ChatDialect;
  readonly servedName: string;
  readonly lengthName: (typeof LENGTH_NAMES)[number];
  readonly facts: RemoteFacts;
  readonly capabilities: SessionCapabilities;
  readonly vocabulary: Vocabulary;
  readonly clock: Clock;
  readonly attempts: Attempts;
  readonly endToken: TokenId;

  constructor(options: TextModelOptions) {
    const { client, dialect, servedName, lengthName, facts, vocabulary } = options;
    const { clock = systemClock } = options;
    this.client = client;
    this.dialect = dialect;
    this.servedName = servedName;
    this.lengthName = lengthName;
    this.facts = facts;
    this.capabilities = textCapabilities(dialect);
    this.vocabulary = vocabulary;
    this.clock = clock;
    this.attempts = new Attempts({ limits: client.limits, clock });
    this.endToken = required([...vocabulary.endOfGenerationIds()][0], 'a token ends texts');
  }

  missingSampling(sampling: SamplingParams): string | null {
    return this.dialect.missingSampling(sampling);
  }

  openSession(id: ModelId, request: SessionRequest): Session {
    return new TextSession(this, id, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}
