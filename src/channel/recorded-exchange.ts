/**
 * The exchange of a recorded run: which tokens were transmitted, what each side computed for them, and
 * the messages that a device and a hub would send. A run in one process has no messages; its decisions
 * are those of two.
 */
import type { EngineEvent, StartEvent, TokenEvent, WorkEvent } from '../core/events.ts';
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { runLength } from '../link/run-length.ts';
import type { Exchange, Turn } from './exchange.ts';
import type { MessageBytes } from './message-bytes.ts';

export interface RecordedOptions {
  /** Tokens that a device would draft on; default 0. The run itself drafts none. */
  readonly aheadCount?: number;
  /** [message] the tokens of the compressed distributions; default: as many as may be kept. */
  readonly keptCounts?: readonly number[];
}

/**
 * @param events of one run. Local forwards are timed by its clock: what is not the large model's
 *   computing is the device's
 */
export function recordedExchange(
  events: readonly EngineEvent[],
  bytes: MessageBytes,
  { aheadCount = 0, keptCounts = [] }: RecordedOptions = {},
): Exchange {
  const start = required(
    events.find((event) => event.type === 'start'),
    'a run has a start',
  );
  const { large, small } = start.labels;
  const usesHub = events.some((event) => event.type === 'work' && event.model === large);
  const usesDevice = events.some((event) => event.type === 'work' && event.model === small);
  const fold = new Fold({
    start,
    bytes,
    isStreamed: usesHub && !usesDevice,
    aheadCount,
    keptCounts,
  });
  for (const event of events) {
    if (event.type === 'work') fold.work(event);
    if (event.type === 'token') fold.token(event);
  }
  return fold.exchange(usesHub);
}

interface FoldOptions extends Pick<Exchange, 'isStreamed'>, Required<RecordedOptions> {
  readonly start: StartEvent;
  readonly bytes: MessageBytes;
}

class Fold {
  readonly #aheadCount: number;
  readonly #large: ModelId | undefined;
  readonly #promptLength: number;
  readonly #start: StartEvent;
  readonly #bytes: MessageBytes;
  readonly #isStreamed: boolean;
  readonly #keptCounts: readonly number[];
  readonly #turns: Turn[] = [];
  readonly #prefillMs = { device: 0, hub: 0 };
  /** Of the round that is read. */
  #round = { hubMs: 0, prefillMs: 0, isAsked: false };
  #unsyncedCount = 0;
  #messageCount = 0;
  /** Tokens of a stream that the hub was asked for. */
  #dueCount = 0;
  #elapsedMs = 0;

  constructor({ start, bytes, isStreamed, aheadCount, keptCounts }: FoldOptions) {
    this.#aheadCount = aheadCount;
    this.#large = start.labels.large;
    this.#promptLength = start.promptTokenCount;
    this.#start = start;
    this.#bytes = bytes;
    this.#isStreamed = isStreamed;
    this.#keptCounts = keptCounts;
  }

  work({ model, purpose, computeMs, outputRowCount }: WorkEvent): void {
    const isHub = model === this.#large;
    if (purpose === 'prefill') {
      this.#prefillMs[isHub ? 'hub' : 'device'] += computeMs;
      this.#round.prefillMs += computeMs;
      return;
    }
    if (!isHub) return;
    this.#round.hubMs += computeMs;
    if (outputRowCount > 0) this.#round.isAsked = true;
  }

  /** Rounds of several tokens have their work with the first. */
  token({ elapsedMs, verified }: TokenEvent): void {
    const { hubMs, prefillMs, isAsked } = this.#round;
    const passedMs = Math.max(0, elapsedMs - this.#elapsedMs - prefillMs);
    this.#turns.push(this.#turn(passedMs, hubMs, { isAsked, isAccepted: verified }));
    this.#unsyncedCount = isAsked ? 0 : this.#unsyncedCount + 1;
    this.#elapsedMs = elapsedMs;
    this.#round = { hubMs: 0, prefillMs: 0, isAsked: false };
  }

  #turn(
    passedMs: number,
    hubMs: number,
    { isAsked, isAccepted }: { readonly isAsked: boolean; readonly isAccepted: boolean },
  ): Turn {
    const downBytes = this.#bytes.answer();
    if (this.#isStreamed) {
      const upBytes = this.#asksForMore() ? this.#bytes.write() : 0;
      return { deviceMs: 0, call: { upBytes, hubMs: passedMs, downBytes, isAccepted } };
    }
    const deviceMs = Math.max(0, passedMs - hubMs);
    if (!isAsked) return { deviceMs, call: null };
    const keptCount = this.#keptCounts[this.#messageCount];
    this.#messageCount += 1;
    const upBytes = this.#bytes.transmit(this.#unsyncedCount, keptCount);
    return { deviceMs, call: { upBytes, hubMs, downBytes, isAccepted } };
  }

  /** Of a stream, before its next token. */
  #asksForMore(): boolean {
    const { maxTokens, contextLength, promptTokenCount } = this.#start;
    const wantedCount = Math.min(maxTokens, contextLength - promptTokenCount) - this.#turns.length;
    const countMax = runLength(this.#dueCount, wantedCount);
    this.#dueCount = (countMax === 0 ? this.#dueCount : countMax) - 1;
    return countMax > 0;
  }

  exchange(usesHub: boolean): Exchange {
    const upBytes = this.#bytes.open(this.#promptLength, this.#start.sampling);
    const [hubMs, downBytes] = [this.#prefillMs.hub, this.#bytes.opened()];
    const call = { upBytes, hubMs, downBytes, isAccepted: true };
    return {
      opening: { deviceMs: this.#prefillMs.device, call: usesHub ? call : null },
      turns: this.#turns,
      isStreamed: this.#isStreamed,
      aheadCount: this.#aheadCount,
    };
  }
}
