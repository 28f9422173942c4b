/** Engines over a server of the tests, and the same engines with both models here. */
import type { EngineEvent, SummaryEvent, TokenEvent } from '../../src/core/events.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { Engine, type EngineOptions } from '../../src/engine/engine.ts';
import type { GenerateRequest } from '../../src/engine/request.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { chatDialect } from '../../src/remote/chat-dialect.ts';
import type { Dialect } from '../../src/remote/dialect.ts';
import { FakeVllm, type FakeVllmOptions } from '../../src/remote/fakes/fake-vllm.ts';
import { probeChat } from '../../src/remote/probe-chat.ts';
import { servedCapabilities } from '../../src/remote/served-capabilities.ts';
import { ServedModel } from '../../src/remote/served-model.ts';
import { ServerClient } from '../../src/remote/server-client.ts';
import type { ServerLimits } from '../../src/remote/server-limits.ts';
import { TextModel } from '../../src/remote/text-model.ts';
import { vllm } from '../../src/remote/vllm.ts';

export const TOKENS: readonly string[] = ['a', 'b', 'c', 'd', 'e', ''];
const END = TOKENS.length - 1;
export const PROMPT: readonly TokenId[] = tokenIds([0, 1, 2, 3]);

function nextOf(isOdd: (hash: number) => boolean): (prefix: readonly TokenId[]) => number[] {
  return (prefix) => {
    const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 100_003, 7);
    const favourite = hash % 37 === 0 ? END : (hash + (isOdd(hash) ? 2 : 0)) % END;
    const sure = (hash >> 3) % 2 === 0 ? 0.9 : 0.4;
    return TOKENS.map((_, id) => (id === favourite ? sure : (1 - sure) / (TOKENS.length - 1)));
  };
}

export const SMALL: (prefix: readonly TokenId[]) => number[] = nextOf((hash) => hash % 3 === 0);
export const LARGE: (prefix: readonly TokenId[]) => number[] = nextOf(() => false);

export function local(name: 'small' | 'large'): ScriptedModel {
  return new ScriptedModel({
    ...{ name, tokens: TOKENS, endOfGeneration: [END], next: name === 'small' ? SMALL : LARGE },
    ...{ contextLength: 128, cellCount: 512 },
  });
}

/** Short enough for tests, in the order of the real ones. */
const LIMITS: Partial<ServerLimits> = { pauseMs: 1, pauseMaxMs: 4, stallTimeoutMs: 400 };

export interface RemoteWorld extends AsyncDisposable {
  readonly server: FakeVllm;
  readonly base: string;
  readonly model: ServedModel;
  readonly engine: Engine;
}

export async function remoteWorld(
  serving: Partial<FakeVllmOptions> = {},
  options: Omit<EngineOptions, 'models'> = {},
  limits: Partial<ServerLimits> = {},
  dialect: Dialect = vllm,
): Promise<RemoteWorld> {
  const { facts, vocabulary } = local('large');
  const server = new FakeVllm({ vocabulary, next: LARGE, ...serving });
  const base = await server.listen();
  const client = new ServerClient({ base, env: {}, limits: { ...LIMITS, ...limits } });
  const model = new ServedModel({
    ...{ client, dialect, servedName: 'fake', facts: { ...facts, name: 'far' }, vocabulary },
    capabilities: servedCapabilities({
      topCountMax: serving.topCountMax ?? 20,
      isBeforeSampling: true,
      takesBatches: true,
    }),
  });
  const engine = new Engine({ models: { small: local('small'), large: model }, ...options });
  return {
    ...{ server, base, model, engine },
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** The same with a model that takes conversations. */
export async function chatWorld(
  serving: Partial<FakeVllmOptions> = {},
  options: Omit<EngineOptions, 'models'> = {},
  {
    kind = 'vllm' as 'vllm' | 'openai',
    ...limits
  }: Partial<ServerLimits> & {
    readonly kind?: 'vllm' | 'openai';
  } = {},
): Promise<Omit<RemoteWorld, 'model'>> {
  const { facts, vocabulary } = local('large');
  const server = new FakeVllm({ vocabulary, next: LARGE, ...serving });
  const base = await server.listen();
  const url = kind === 'openai' ? `${base}/v1` : base;
  const client = new ServerClient({ base: url, env: {}, limits: { ...LIMITS, ...limits } });
  const dialect = chatDialect(kind);
  const signal = new AbortController().signal;
  const probed = await probeChat({ client, dialect }, 'fake', { signal });
  const model = new TextModel({
    ...{ client, dialect, servedName: 'fake', ...probed, vocabulary },
    facts: { ...facts, name: 'far' },
  });
  const engine = new Engine({ models: { small: local('small'), large: model }, ...options });
  return {
    ...{ server, base, engine },
    [Symbol.asyncDispose]: async () => {
      await engine.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

export const SPECULATIVE = { proposer: 'small', draftLength: 3 } as const;

export async function run(
  engine: Engine,
  request: GenerateRequest,
): Promise<readonly EngineEvent[]> {
  const events: EngineEvent[] = [];
  const whole = { promptTokenIds: PROMPT, maxTokens: 40, ...request };
  for await (const event of engine.generate(whole)) events.push(event);
  return events;
}

/** What two local models write. */
export async function expected(
  request: GenerateRequest,
  options: Omit<EngineOptions, 'models'> = {},
): Promise<readonly TokenId[]> {
  await using engine = new Engine({
    ...{ models: { small: local('small'), large: local('large') }, speculative: SPECULATIVE },
    ...options,
  });
  return idsOf(await run(engine, request));
}

export function tokensOf(events: readonly EngineEvent[]): readonly TokenEvent[] {
  return events.filter((event) => event.type === 'token');
}

export function idsOf(events: readonly EngineEvent[]): readonly TokenId[] {
  return tokensOf(events).map(({ tokenId }) => tokenId);
}

export function summaryOf(events: readonly EngineEvent[]): SummaryEvent {
  const last = events.at(-1);
  if (last?.type !== 'summary') throw new Error('a run ends with its summary');
  return last;
}
