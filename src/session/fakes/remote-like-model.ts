/**
 * A model that is used like one behind a network. It has no logits and no KV cache in this process, and
 * gives only tokens that it draws with its own noise and its largest log-probabilities. It has latency,
 * failures, and a bill that counts the whole text of every call.
 */
import { abortError, PilotfishError, throwIfAborted } from '../../core/errors.ts';
import { invariant } from '../../core/invariant.ts';
import type { ModelId } from '../../core/model-id.ts';
import { noiseKey, noiseUniform } from '../../core/noise.ts';
import { NOTHING_READ, type RowResult } from '../../core/row-program.ts';
import { type TokenId, tokenId } from '../../core/token-id.ts';
import { untilAborted } from '../../core/until-aborted.ts';
import type { Vocabulary } from '../../model/roles.ts';
import type { SessionCapabilities } from '../capabilities.ts';
import type { RemoteFacts, RemoteModel } from '../remote-model.ts';
import type { RowsRequest, Session, SessionRequest, WriteRequest } from '../session.ts';
import { SessionLife } from '../session-life.ts';
import { BoundaryWatch } from '../write-boundary.ts';

export interface RemoteLikeOptions {
  readonly facts: RemoteFacts;
  readonly vocabulary: Vocabulary;
  /** Probabilities of the next token, [vocabulary size]. */
  readonly next: (prefix: readonly TokenId[]) => readonly number[];
  readonly capabilities?: Partial<SessionCapabilities>;
  /** Runs before a call is answered: latency, or a failure of the network. */
  readonly onCall?: () => Promise<void>;
  /** Runs before every token of a stream but the first. */
  readonly onToken?: () => Promise<void>;
}

export interface Bill {
  callCount: number;
  /** Tokens of all sent texts. */
  readCount: number;
  /** Generated tokens, whether they were read or not. */
  writtenCount: number;
}

const CAPABILITIES: SessionCapabilities = {
  reads: { logprob: true, topLogprobs: 3 },
  outputRowCountMax: 4,
  sharesNoise: false,
  keepsGrammar: false,
  givesVerdicts: false,
  continuesTexts: true,
  input: 'token-ids',
};

/** Bytes of a token id on the wire. */
const BYTES_PER_TOKEN = 4;

export class RemoteLikeModel implements RemoteModel {
  readonly facts: RemoteFacts;
  readonly vocabulary: Vocabulary;
  readonly capabilities: SessionCapabilities;
  readonly bill: Bill = { callCount: 0, readCount: 0, writtenCount: 0 };
  readonly options: RemoteLikeOptions;
  /** Calls that were neither answered nor cancelled yet. */
  openCallCount = 0;

  constructor(options: RemoteLikeOptions) {
    this.options = options;
    this.facts = options.facts;
    this.vocabulary = options.vocabulary;
    this.capabilities = { ...CAPABILITIES, ...options.capabilities };
  }

  openSession(id: ModelId, request: SessionRequest): Session {
    return new RemoteLikeSession(this, id, request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    invariant(this.openCallCount === 0, 'a model is closed when no call is in flight');
  }
}

class RemoteLikeSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: RemoteLikeModel;
  readonly #request: SessionRequest;
  readonly #life: SessionLife;
  /** The started streams. Each settles its call once. */
  readonly #streams = new Set<Call>();

  constructor(model: RemoteLikeModel, modelId: ModelId, request: SessionRequest) {
    this.modelId = modelId;
    this.capabilities = model.capabilities;
    this.#model = model;
    this.#request = request;
    this.#life = new SessionLife(request.signal);
    // Cancels a stream that its reader has left. No other code would settle it.
    this.#life.signal.addEventListener('abort', () => {
      for (const call of this.#streams) this.#settle(call);
      this.#streams.clear();
    });
    request.remoteSessions.add(this);
  }

  async rows(request: RowsRequest): Promise<readonly RowResult[]> {
    const { text, outputCount, purpose } = request;
    invariant(outputCount <= this.capabilities.outputRowCountMax, 'more rows than it gives');
    const prefixes = Array.from({ length: outputCount }, (_, row) =>
      text.slice(0, text.length - outputCount + 1 + row),
    );
    const call = this.#call(
      purpose,
      prefixes.map(({ length }) => length),
    );
    try {
      await this.#answered(this.#model.options.onCall);
      call.writtenCount = outputCount;
      return prefixes.map((prefix, row) => this.#row(prefix, request, call.number, row));
    } finally {
      this.#settle(call);
    }
  }

  async *write(request: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    const { until, purpose } = request;
    const text = [...request.text];
    const watch = new BoundaryWatch(until, this.#request);
    const call = this.#call(purpose, [text.length]);
    this.#streams.add(call);
    try {
      await this.#answered(this.#model.options.onCall);
      while (!watch.isReached) {
        if (call.writtenCount > 0) await this.#answered(this.#model.options.onToken);
        const row = this.#row(text, request, call.number, call.writtenCount);
        call.writtenCount += 1;
        text.push(row.tokenId);
        watch.push(row.tokenId);
        yield row;
      }
    } finally {
      this.#streams.delete(call);
      this.#settle(call);
    }
  }

  fork(): Session {
    return new RemoteLikeSession(this.#model, this.modelId, this.#request);
  }

  unreadLength(text: readonly TokenId[]): number {
    return text.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.end();
    this.#request.remoteSessions.delete(this);
  }

  #call(purpose: Call['purpose'], rowCounts: readonly number[]): Call {
    throwIfAborted(this.#life.signal);
    const { bill } = this.#model;
    bill.callCount += 1;
    bill.readCount += rowCounts.reduce((sum, count) => sum + count, 0);
    this.#model.openCallCount += 1;
    const number = bill.callCount;
    return { purpose, number, rowCounts, writtenCount: 0, isSettled: false };
  }

  async #answered(wait: (() => Promise<void>) | undefined): Promise<void> {
    const { signal } = this.#life;
    await untilAborted(wait?.() ?? Promise.resolve(), signal);
    if (signal.aborted) throw abortError(signal);
  }

  /** Meters a call once, whether it was answered, failed or cancelled: it was paid for. */
  #settle(call: Call): void {
    if (call.isSettled) return;
    call.isSettled = true;
    const { bill } = this.#model;
    bill.writtenCount += call.writtenCount;
    this.#model.openCallCount -= 1;
    const sent = call.rowCounts.reduce((sum, count) => sum + count, 0);
    this.#request.recorder.record({
      model: this.modelId,
      purpose: call.purpose,
      rowCounts: call.rowCounts,
      outputRowCount: call.writtenCount,
      reusedRowCount: 0,
      waitedMs: 0,
      computeMs: 0,
      bytesUp: BYTES_PER_TOKEN * sent,
      bytesDown: BYTES_PER_TOKEN * call.writtenCount,
    });
  }

  #row(
    prefix: readonly TokenId[],
    { reads = {}, temperature }: Pick<RowsRequest, 'reads' | 'temperature'>,
    call: number,
    index: number,
  ): RowResult {
    const probabilities = this.#model.options.next(prefix);
    const isGreedy = (temperature ?? this.#request.sampling.sampling.temperature) === 0;
    const id = isGreedy ? mostLikely(probabilities) : this.#draw(probabilities, call, index);
    const { topLogprobs: count = 0 } = reads;
    const largest = [...probabilities].sort((a, b) => b - a).map(Math.log);
    return {
      ...NOTHING_READ,
      tokenId: tokenId(id),
      logprob: reads.logprob === true ? Math.log(probabilities[id] ?? 0) : null,
      topLogprobs: count === 0 ? null : Float32Array.from(largest.slice(0, count)),
    };
  }

  /** Noise of its own, keyed by call and token, and independent of the request's seed. */
  #draw(probabilities: readonly number[], call: number, index: number): number {
    let left = noiseUniform(noiseKey(call, index, 'sample'));
    const drawn = probabilities.findIndex((probability) => {
      left -= probability;
      return left <= 0;
    });
    return drawn < 0 ? probabilities.length - 1 : drawn;
  }
}

function mostLikely(probabilities: readonly number[]): number {
  return probabilities.indexOf(Math.max(...probabilities));
}

interface Call {
  readonly purpose: RowsRequest['purpose'];
  /** Counts the model's calls. */
  readonly number: number;
  readonly rowCounts: readonly number[];
  writtenCount: number;
  isSettled: boolean;
}

/** A failure of the network, for tests. */
export function unreachable(): PilotfishError {
  return new PilotfishError('source-unavailable', 'The server does not answer.');
}
