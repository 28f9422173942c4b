/** Models behind the session port, for its contract. */
import { type TokenId, tokenId, tokenIds } from '../../src/core/token-id.ts';
import { untilAborted } from '../../src/core/until-aborted.ts';
import { type HubEntrance, HubModel } from '../../src/device/hub-model.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { Hub } from '../../src/hub/hub.ts';
import { serveConnection } from '../../src/hub/serve-connection.ts';
import { memoryTransports } from '../../src/link/memory-transport.ts';
import {
  ScriptedModel,
  type ScriptedModelOptions,
} from '../../src/model/scripted/scripted-model.ts';
import {
  RemoteLikeModel,
  type RemoteLikeOptions,
} from '../../src/session/fakes/remote-like-model.ts';
import { soleSession } from '../../src/session/sole-session.ts';
import type { SessionSubject } from '../../src/testing/contracts/session-bench.ts';

export const TOKENS: readonly string[] = ['red ', 'blue ', 'green ', 'and ', 'so on. ', ''];
export const END: number = TOKENS.length - 1;
const PROMPT = tokenIds([0, 1, 2, 0, 3, 1]);

/** A model with another favourite after every text, and a late end. */
export function next(prefix: readonly TokenId[]): readonly number[] {
  const hash = prefix.reduce((sum, token) => (sum * 31 + token + 1) % 10_007, 7);
  const favourite = prefix.length > 40 ? END : hash % END;
  return TOKENS.map((_, id) => (id === favourite ? 0.6 : 0.08));
}

function choiceBehind(text: readonly TokenId[]): TokenId {
  const row = next(text);
  return tokenId(row.indexOf(Math.max(...row)));
}

/** Makes the next call wait or fail. */
export class Interference {
  #held: Promise<void> | null = null;
  #failure: Error | null = null;

  readonly hold = (): (() => void) => {
    let release = (): void => undefined;
    this.#held = new Promise((done) => {
      release = done;
    });
    return () => {
      this.#held = null;
      release();
    };
  };

  readonly failNext = (error: Error): void => {
    this.#failure = error;
  };

  async meet(signal?: AbortSignal): Promise<void> {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
    if (this.#held !== null) await untilAborted(this.#held, signal);
  }
}

/** The texts of every subject. */
export const TEXTS: Pick<
  SessionSubject,
  'prompt' | 'choiceBehind' | 'tokenText' | 'isEndOfGeneration'
> = {
  prompt: PROMPT,
  choiceBehind,
  tokenText: (id: TokenId) => TOKENS[id] ?? '',
  isEndOfGeneration: (id: TokenId) => id === END,
};

/** A model that behaves as all subjects do. */
export function scripted(
  interference: Interference,
  more: Partial<ScriptedModelOptions> = {},
): ScriptedModel {
  return new ScriptedModel({
    ...{ name: 'scripted', tokens: TOKENS, endOfGeneration: [END], next },
    ...{ contextLength: 64, cellCount: 512, rowCountMax: 4 },
    onForward: (_request, signal) => interference.meet(signal),
    ...more,
  });
}

/** A local session over the scripted model. */
export function scriptedSubject(): SessionSubject {
  const interference = new Interference();
  const model = scripted(interference);
  return {
    ...TEXTS,
    name: 'a scripted model',
    hold: interference.hold,
    failNext: interference.failNext,
    isRemote: false,
    open: ({ sampling, ...request }) =>
      soleSession(model, {
        ...{ ...request, promptLength: PROMPT.length },
        sampling: { vocabularySize: TOKENS.length, sampling, seed: 0 },
      }),
    checkIdle: () => {
      if (model.sequenceCount > 0) throw new Error('a sequence is still open');
    },
  };
}

export function remoteLike(options: Partial<RemoteLikeOptions> = {}): RemoteLikeModel {
  const { facts, vocabulary } = scripted(new Interference());
  return new RemoteLikeModel({ facts: { ...facts, name: 'far' }, vocabulary, next, ...options });
}

/** A session without logits and KV cache that pays for every call. */
export function remoteLikeSubject(options: Partial<RemoteLikeOptions> = {}): SessionSubject {
  const interference = new Interference();
  const model = remoteLike({ ...options, onCall: () => interference.meet() });
  return {
    ...TEXTS,
    name: 'a remote-like model',
    isRemote: true,
    hold: interference.hold,
    failNext: interference.failNext,
    open: ({ sampling, ...request }) => {
      const set = new ModelSet({ large: model });
      return set.openSession('large', set.soleLease(), {
        ...{ ...request, promptLength: PROMPT.length },
        sampling: { vocabularySize: TOKENS.length, sampling, seed: 0 },
        isEndOfGeneration: (id) => id === END,
        tokenBytes: (id) => model.vocabulary.tokenBytes(id),
      });
    },
    checkIdle: () => {
      if (model.openCallCount > 0) throw new Error('a call is still in flight');
    },
  };
}

/** The model of a hub, over frames. */
export function hubSubject(): SessionSubject {
  const interference = new Interference();
  // A hub that writes on does so while its device reads, not before.
  const onForward = async (_request: unknown, signal?: AbortSignal): Promise<void> => {
    await new Promise((done) => setImmediate(done));
    await interference.meet(signal);
  };
  const hub = new Hub({ model: scripted(interference, { onForward }), digest: '0'.repeat(64) });
  const connect = async (): Promise<HubEntrance> => {
    const [transport, served] = memoryTransports();
    void serveConnection(hub, served, 'anyone');
    return { transport, facts: hub.facts };
  };
  const { vocabulary } = scripted(new Interference());
  const [first, served] = memoryTransports();
  void serveConnection(hub, served, 'anyone');
  const model = new HubModel({ connect, vocabulary }, hub.facts, first);
  return {
    ...TEXTS,
    name: "a hub's model",
    isRemote: true,
    hold: interference.hold,
    // A failure on the hub is not told to its devices.
    failNext: null,
    open: ({ sampling, ...request }) =>
      model.openSession('far', {
        ...{ ...request, promptLength: PROMPT.length },
        sampling: { vocabularySize: TOKENS.length, sampling, seed: 0 },
        isEndOfGeneration: (id) => id === END,
        tokenBytes: (id) => model.vocabulary.tokenBytes(id),
      }),
    checkIdle: async () => {
      // The last message is on its way.
      await new Promise((done) => setImmediate(done));
      if (hub.status.requestCount > 0) throw new Error('a request is still open');
    },
  };
}
