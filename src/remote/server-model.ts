/** A model on a server, whatever its calls look like. */
import { type Clock, systemClock } from '../core/clock.ts';
import { required } from '../core/invariant.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Vocabulary } from '../model/roles.ts';
import type { RemoteFacts } from '../session/remote-model.ts';
import { Attempts } from './attempts.ts';
import type { ServerClient } from './server-client.ts';

export interface ServerModelOptions {
  readonly client: ServerClient;
  /** The model's name on the server. */
  readonly servedName: string;
  readonly facts: RemoteFacts;
  /** The vocabulary of the small model, which its answers are written in. */
  readonly vocabulary: Vocabulary;
  readonly clock?: Clock | undefined;
}

/** The part of a model that its sessions use. */
export type ServerHome = Pick<
  ServerModel,
  'client' | 'servedName' | 'clock' | 'attempts' | 'endToken'
>;

export abstract class ServerModel implements AsyncDisposable {
  readonly isBilled = true;
  readonly client: ServerClient;
  readonly servedName: string;
  readonly facts: RemoteFacts;
  readonly vocabulary: Vocabulary;
  readonly clock: Clock;
  readonly attempts: Attempts;
  /** The token for an end that the server does not name. */
  readonly endToken: TokenId;

  constructor(options: ServerModelOptions) {
    const { client, servedName, facts, vocabulary, clock = systemClock } = options;
    this.client = client;
    this.servedName = servedName;
    this.facts = facts;
    this.vocabulary = vocabulary;
    this.clock = clock;
    this.attempts = new Attempts({ limits: client.limits, clock });
    this.endToken = required([...vocabulary.endOfGenerationIds()][0], 'a token ends texts');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }
}
