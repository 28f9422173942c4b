/** The session of a hub's model: verdicts, and rows of one token that the hub draws. */
import { abortError, PilotfishError } from '../core/errors.ts';
import type { WorkPurpose } from '../core/events.ts';
import { invariant, required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import { seedOfDraw } from '../core/noise.ts';
import { NOTHING_READ, type RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { AnswerMessage, OpenMessage } from '../link/messages.ts';
import type { SessionCapabilities } from '../session/capabilities.ts';
import type {
  RowsRequest,
  Session,
  SessionRequest,
  Verdict,
  VerdictRequest,
  WriteRequest,
} from '../session/session.ts';
import { SessionLife } from '../session/session-life.ts';
import { BoundaryWatch } from '../session/write-boundary.ts';
import { DeviceRequest, type DeviceRequestOptions, type Question } from './device-request.ts';

/** The part of the model that its sessions use. */
export interface SessionHome
  extends Pick<DeviceRequestOptions, 'policy' | 'connect' | 'giveBack' | 'clock'> {
  readonly capabilities: SessionCapabilities;
  /** What every request tells the hub of its tokens. */
  readonly tokens: OpenMessage['vocabulary'];
}

/** What a request is opened with on the hub. Calls that differ in it are requests of their own there. */
type Opening = Pick<OpenMessage, 'noise' | 'wantsLogprobs' | 'seed' | 'sampling'>;

type Drawing = Pick<RowsRequest, 'reads' | 'draw' | 'temperature' | 'noise'>;

export class HubSession implements Session {
  readonly modelId: ModelId;
  readonly capabilities: SessionCapabilities;
  readonly #model: SessionHome;
  readonly #request: SessionRequest;
  readonly #life: SessionLife;
  readonly #onHub = new Map<string, DeviceRequest>();
  /** What the tokens of a request's runs are for. */
  readonly #purposes = new Map<DeviceRequest, WorkPurpose>();
  #inFlight: Promise<unknown> = Promise.resolve();

  constructor(model: SessionHome, modelId: ModelId, request: SessionRequest) {
    this.modelId = modelId;
    this.capabilities = model.capabilities;
    this.#model = model;
    this.#request = request;
    this.#life = new SessionLife(request.signal);
    request.remoteSessions.add(this);
  }

  async verdict(request: VerdictRequest): Promise<Verdict | null> {
    const { wantsLogprob: wantsLogprobs, ...question } = request;
    const { seed, sampling } = this.#request.sampling;
    const noise = question.distribution.kind === 'none' ? 'shared' : 'independent';
    const answer = await this.#ask('verify', { noise, wantsLogprobs, seed, sampling }, question);
    if (answer === null) return null;
    const { tokenId, isAccepted, logprob } = answer;
    return { tokenId, isAccepted, logprob };
  }

  async rows({ outputCount, ...request }: RowsRequest): Promise<readonly RowResult[]> {
    invariant(outputCount === 1, 'a hub gives one row at a time');
    return [await this.#row(request)];
  }

  async *write(request: WriteRequest): AsyncGenerator<RowResult, void, undefined> {
    const { until, purpose, ...asked } = request;
    const watch = new BoundaryWatch(until, this.#request);
    const text = [...request.text];
    const onHub = this.#requestFor(this.#openingOf(asked));
    this.#purposes.set(onHub, purpose);
    let leftCount = until.tokenCountMax;
    try {
      while (!watch.isReached) {
        const answer = await this.#metered(purpose, onHub, () => onHub.write(text, leftCount));
        const row = rowOf(answer);
        leftCount -= 1;
        text.push(row.tokenId);
        watch.push(row.tokenId);
        yield row;
      }
    } finally {
      onHub.stop();
    }
  }

  fork(): Session {
    return new HubSession(this.#model, this.modelId, this.#request);
  }

  unreadLength(text: readonly TokenId[]): number {
    const unread = [...this.#onHub.values()].map((request) => request.unreadLength(text));
    return Math.min(text.length, ...unread);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.end();
    await this.#inFlight;
    for (const request of this.#onHub.values()) {
      await request.close(this.#request.signal);
      this.#record(this.#purposes.get(request) ?? 'verify', request, request.takeDiscarded());
    }
    this.#onHub.clear();
    this.#request.remoteSessions.delete(this);
  }

  /** The hub's own draw: the verdict on any draft that it is not judged by. */
  async #row(request: Omit<RowsRequest, 'outputCount'>): Promise<RowResult> {
    const { text, purpose, ...asked } = request;
    const draft = required(text.at(-1), 'a text');
    return rowOf(
      await this.#ask(purpose, this.#openingOf(asked), {
        ...{ text, draft, distribution: { kind: 'none' } },
      }),
    );
  }

  /** Of a request whose tokens the hub draws. */
  #openingOf({ reads = {}, draw = 0, temperature, noise = 'sample' }: Drawing): Opening {
    invariant(noise === 'sample', 'a hub draws with the noise of samples');
    const { sampling: params } = this.#request.sampling;
    const sampling = temperature === undefined ? params : { ...params, temperature };
    const seed = seedOfDraw(this.#request.sampling.seed, draw);
    return { noise: 'shared', wantsLogprobs: reads.logprob === true, seed, sampling };
  }

  async #ask(
    purpose: WorkPurpose,
    opening: Opening,
    question: Question,
  ): Promise<AnswerMessage | null> {
    const request = this.#requestFor(opening);
    return await this.#metered(purpose, request, () => request.ask(question));
  }

  /** Meters the call whether it is answered or fails, and what was discarded for it. */
  async #metered(
    purpose: WorkPurpose,
    request: DeviceRequest,
    call: () => Promise<AnswerMessage | null>,
  ): Promise<AnswerMessage | null> {
    const { signal } = this.#life;
    if (signal.aborted) throw abortError(signal);
    let answer: AnswerMessage | null = null;
    const asking = call();
    this.#inFlight = asking.catch(() => undefined);
    try {
      answer = await asking;
      return answer;
    } finally {
      this.#record(purpose, request, answer === null ? [] : [answer]);
      this.#record(this.#purposes.get(request) ?? purpose, request, request.takeDiscarded());
    }
  }

  #requestFor(opening: Opening): DeviceRequest {
    const key = JSON.stringify(opening);
    const known = this.#onHub.get(key);
    if (known !== undefined) return known;
    const { policy, clock, tokens } = this.#model;
    const request = new DeviceRequest({
      opening: { ...opening, vocabulary: tokens, promptLength: this.#request.promptLength },
      ...{ policy, clock, signal: this.#life.signal },
      connect: (signal) => this.#model.connect(signal),
      giveBack: (link) => this.#model.giveBack(link),
    });
    this.#onHub.set(key, request);
    return request;
  }

  #record(purpose: WorkPurpose, request: DeviceRequest, answers: readonly AnswerMessage[]): void {
    const bytes = request.takeBytes();
    if (answers.length === 0 && bytes.bytesUp === 0 && bytes.bytesDown === 0) return;
    this.#request.recorder.record({
      ...{ model: this.modelId, purpose, ...bytes },
      rowCounts: answers.flatMap(rowCountsOf),
      outputRowCount: answers.length,
      reusedRowCount: 0,
      computeMs: answers.reduce((sum, { computeMs }) => sum + computeMs, 0),
      waitedMs: answers.reduce((sum, { waitedMs }) => sum + waitedMs, 0),
    });
  }
}

/** @throws PilotfishError `hub-unreachable` without an answer */
function rowOf(answer: AnswerMessage | null): RowResult {
  if (answer !== null) {
    return { ...NOTHING_READ, tokenId: answer.tokenId, logprob: answer.logprob };
  }
  throw new PilotfishError('hub-unreachable', 'The hub is away.', {
    remedy: 'Start the hub, or use a strategy of which the small model can go on alone.',
  });
}

/** An answer has the sum alone: all but the first forward count as one row. */
function rowCountsOf({ rowCount, forwardCount }: AnswerMessage): readonly number[] {
  if (forwardCount === 0) return [];
  return [rowCount - (forwardCount - 1), ...Array.from({ length: forwardCount - 1 }, () => 1)];
}
