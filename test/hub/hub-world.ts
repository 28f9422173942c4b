/**
 * A device and a hub with scripted models, joined by nothing but frames, and one process with the same
 * two models beside them.
 */

import { PilotfishError } from '../../src/core/errors.ts';
import type { EngineEvent, SummaryEvent, TokenEvent } from '../../src/core/events.ts';
import { required } from '../../src/core/invariant.ts';
import type { TokenId } from '../../src/core/token-id.ts';
import { HubModel } from '../../src/device/hub-model.ts';
import { LINK_POLICIES, type LinkPolicy } from '../../src/device/link-policy.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { Hub, type HubOptions } from '../../src/hub/hub.ts';
import { serveConnection } from '../../src/hub/serve-connection.ts';
import type { FrameTransport } from '../../src/link/frame-transport.ts';
import { memoryTransports } from '../../src/link/memory-transport.ts';
import {
  ScriptedModel,
  type ScriptedModelOptions,
} from '../../src/model/scripted/scripted-model.ts';
import type { StrategyOptions, UplinkOptions } from '../../src/strategy/strategy-options.ts';

export const TOKENS: readonly string[] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', ''];
export const END = 7;
export const DIGEST: string = '0'.repeat(64);
export const PROMPT: readonly number[] = [0, 1, 2];

/** Two models of one hash agree about half of the time. @param salt tells them apart */
function next(salt: number): ScriptedModelOptions['next'] {
  return (prefix) => {
    const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 10_007, 7);
    const weights = TOKENS.map((_, id) => {
      if (id === END) return prefix.length > 20 ? 80 : 0.5;
      return 1 + ((hash * 17 + id * 7919 + (id % 3) * salt) % 101);
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
}

export function small(options: Partial<ScriptedModelOptions> = {}): ScriptedModel {
  return new ScriptedModel({ ...MODEL, name: 'small', next: next(0), ...options });
}

export function large(options: Partial<ScriptedModelOptions> = {}): ScriptedModel {
  return new ScriptedModel({ ...MODEL, name: 'large', next: next(13), ...options });
}

const MODEL = { tokens: TOKENS, endOfGeneration: [END], cellCount: 1024 };

/** Reconnects without pauses; for no longer than a test may wait. */
export const QUICK: LinkPolicy = { ...LINK_POLICIES.stop, pauseMs: 1, pauseMaxMs: 4 };

export interface WorldOptions {
  readonly hub?: Partial<HubOptions>;
  readonly policy?: LinkPolicy;
  readonly uplink?: UplinkOptions;
  /** Beside the models. */
  readonly engine?: StrategyOptions;
  readonly largeModel?: ScriptedModel;
  readonly smallModel?: ScriptedModel;
  /** Changes both ends of each connection, as a link with faults does. */
  readonly link?: (ends: Ends) => Ends;
}

export type Ends = readonly [device: FrameTransport, hub: FrameTransport];

/** A device, a hub, and how often they connected. */
export class World implements AsyncDisposable {
  readonly options: WorldOptions;
  /** Tests replace it as if it was restarted. */
  hub: Hub;
  readonly engine: Engine;
  readonly model: HubModel;
  connectionCount = 0;
  /** Whether connections fail. */
  isAway = false;
  /** The hub's ends of connections. */
  readonly served: FrameTransport[] = [];
  readonly #serving: Promise<void>[] = [];

  constructor(options: WorldOptions = {}) {
    this.options = options;
    this.hub = this.newHub();
    const device = options.smallModel ?? small();
    this.model = new HubModel(
      { connect: this.connect, vocabulary: device.vocabulary, policy: options.policy ?? QUICK },
      this.hub.facts,
      this.#transport(),
    );
    this.engine = new Engine({
      models: { small: device, large: this.model },
      ...{ uplink: options.uplink, ...options.engine },
    });
  }

  newHub(): Hub {
    const model = this.options.largeModel ?? large();
    return new Hub({ model, digest: DIGEST, ...this.options.hub });
  }

  readonly connect = async (): Promise<{ transport: FrameTransport; facts: Hub['facts'] }> => {
    if (this.isAway) throw unreachable();
    return { transport: this.#transport(), facts: this.hub.facts };
  };

  #transport(): FrameTransport {
    this.connectionCount += 1;
    const pair = memoryTransports();
    const [device, hub] = this.options.link?.(pair) ?? pair;
    this.served.push(hub);
    this.#serving.push(serveConnection(this.hub, hub, 'anyone'));
    return device;
  }

  /** The hub loses everything, and its connections break. */
  async restart(): Promise<void> {
    for (const transport of this.served.splice(0)) transport.close();
    const old = this.hub;
    this.hub = this.newHub();
    await old[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
    for (const transport of this.served) transport.close();
    await Promise.all(this.#serving);
    await this.hub[Symbol.asyncDispose]();
    await this.hub.checkIdle();
  }
}

export function unreachable(): PilotfishError {
  return new PilotfishError('hub-unreachable', 'There is no connection to the hub of the test.');
}

export async function eventsOf(
  engine: Pick<Engine, 'generate'>,
  request: GenerateRequest,
  onToken: (index: number) => Promise<void> | void = () => undefined,
): Promise<EngineEvent[]> {
  const events: EngineEvent[] = [];
  const asked = { promptTokenIds: PROMPT, maxTokens: 40, ...request };
  for await (const event of engine.generate(asked)) {
    events.push(event);
    if (event.type === 'token') await onToken(event.index);
  }
  return events;
}

export function summaryOf(events: readonly EngineEvent[]): SummaryEvent {
  const summary = events.find((event) => event.type === 'summary');
  return required(summary, 'the run ended');
}

/** The tokens but for their times, and for log-probabilities, which travel in single precision. */
export function tokensOf(events: readonly EngineEvent[]): readonly Omit<TokenEvent, 'elapsedMs'>[] {
  return events.flatMap((event) => {
    if (event.type !== 'token') return [];
    const { elapsedMs: _, logprob, ...token } = event;
    return [{ ...token, logprob: logprob === null ? null : Math.fround(logprob) }];
  });
}

export function idsOf(events: readonly EngineEvent[]): readonly TokenId[] {
  return tokensOf(events).map(({ tokenId }) => tokenId);
}

/** What one process with both models writes. */
export async function inOneProcess(
  request: GenerateRequest,
  uplink?: UplinkOptions,
): Promise<EngineEvent[]> {
  await using engine = new Engine({ models: { small: small(), large: large() }, uplink });
  return await eventsOf(engine, request);
}
