/** A model that only takes time. It checks that no forward exceeds its limits. */
import { invariant } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Forward, ForwardRequest, LanguageModel, Sequence } from '../../model/roles.ts';

export interface TimedForward {
  readonly rowCount: number;
  readonly outputRowCount: number;
  readonly cachedTokenCount: number;
  readonly threadCount: number;
  /** The number of earlier forwards of this very shape, without those that fill the cache. */
  readonly n: number;
}

export interface TimedModelOptions {
  readonly contextLength?: number;
  readonly rowCountMax?: number;
  readonly msOf: (forward: TimedForward) => number;
  /** Milliseconds around a forward that the forward does not report. */
  readonly overheadMs?: number;
}

const VOCABULARY_SIZE = 50;

export class TimedModel implements LanguageModel {
  readonly facts: LanguageModel['facts'];
  readonly vocabulary: LanguageModel['vocabulary'] = {
    size: VOCABULARY_SIZE,
    tokenString: () => null,
    tokenBytes: () => new Uint8Array(0),
    isEndOfGeneration: () => false,
    endOfGenerationIds: () => new Set<TokenId>(),
    specialTokens: [],
    startToken: null,
    tokenize: () => [],
    tokenizeText: () => [],
    renderChat: () => '',
  };
  readonly forwards: TimedForward[] = [];
  readonly threadCounts: number[] = [];
  sequenceCount = 0;
  threadCount = 1;
  /** The time as it passes in this model. */
  nowMs = 0;
  readonly #options: TimedModelOptions;
  readonly #counts = new Map<string, number>();

  constructor(options: TimedModelOptions) {
    this.#options = options;
    this.facts = {
      name: 'timed',
      parameterCounts: { body: 1, outputHead: 1 },
      weightBytes: 1000,
      kvBytesPerToken: 10,
      hiddenSize: 1,
      contextLength: options.contextLength ?? 4096,
      cellCount: options.contextLength ?? 4096,
      rowCountMax: options.rowCountMax ?? 256,
      sequenceCountMax: 1,
    };
  }

  async setThreadCount(threadCount: number): Promise<void> {
    this.threadCount = threadCount;
    this.threadCounts.push(threadCount);
  }

  tokenEmbedding(): Float32Array {
    return new Float32Array(this.facts.hiddenSize);
  }

  countCachedTokens(): Promise<number> {
    return Promise.resolve(0);
  }

  openSequence(): Sequence {
    this.sequenceCount += 1;
    let length = 0;
    return {
      get length() {
        return length;
      },
      forward: async (request) => {
        const forward = this.#forward(request, length);
        length += request.tokens.length;
        return forward;
      },
      truncate: async (to) => {
        invariant(to <= length, `cannot cut ${length} to ${to}`);
        length = to;
      },
      fork: () => Promise.reject(new TypeError('measuring forks nothing')),
      [Symbol.asyncDispose]: async () => {
        this.sequenceCount -= 1;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #forward({ tokens, outputFrom }: ForwardRequest, cachedTokenCount: number): Forward {
    const { rowCountMax, contextLength } = this.facts;
    const rowCount = tokens.length;
    const outputRowCount = rowCount - outputFrom;
    invariant(rowCount >= 1 && rowCount <= rowCountMax, `a forward of ${rowCount} rows`);
    invariant(cachedTokenCount + rowCount <= contextLength, 'the context is full');
    invariant(
      tokens.every((token) => token >= 0 && token < VOCABULARY_SIZE),
      'tokens are of the vocabulary',
    );
    const shape = { rowCount, outputRowCount, cachedTokenCount, threadCount: this.threadCount };
    const key = JSON.stringify(shape);
    const n = this.#counts.get(key) ?? 0;
    this.#counts.set(key, n + 1);
    this.forwards.push({ ...shape, n });
    const computeMs = this.#options.msOf({ ...shape, n });
    this.nowMs += computeMs + (this.#options.overheadMs ?? 0);
    return { rows: [], waitedMs: 0, computeMs };
  }
}
