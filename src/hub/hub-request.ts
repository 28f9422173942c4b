/**
 * One device's request on a hub: the text that the device has told, and the verdicts on its drafts. The
 * text outlives the connection and the KV cells. Draws depend on (seed, position) alone, and answers are
 * kept for a while, so a transmission that arrives twice gets the same answer twice.
 */
import type { Draws } from '../core/draws.ts';
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Lease } from '../kv-cache/lease.ts';
import type {
  AnswerMessage,
  HubMessage,
  LinkErrorCode,
  OpenMessage,
  TransmitMessage,
} from '../link/messages.ts';
import type { LanguageModel } from '../model/roles.ts';
import { expandDraftDistribution } from '../sampling/draft-distribution.ts';
import { LocalSession } from '../session/local-session.ts';
import { WorkRecorder } from '../session/work-recorder.ts';
import { judgeDraft } from '../speculative/verifiers.ts';
import { KEPT_ANSWER_COUNT, RESERVED_CELL_STEP } from './hub-limits.ts';

/** The part of the hub that its requests use. */
export interface RequestHome {
  readonly model: LanguageModel;
  readonly modelId: ModelId;
  readonly transmissionsInFlightMax: number;
  /** Waits for cells. @throws PilotfishError `kv-full`, `engine-busy`, `aborted` */
  lease(cellCount: number, signal: AbortSignal): Promise<Lease>;
  /** The request uses its cells. */
  busy(request: HubRequest): void;
  /** It does not use them now, and others may have them. */
  idle(request: HubRequest): void;
  answered(answer: AnswerMessage): void;
  failed(error: unknown): void;
}

interface Held {
  readonly lease: Lease;
  readonly cellCount: number;
  readonly session: LocalSession;
}

export class HubRequest {
  readonly opened: OpenMessage;
  readonly owner: string;
  readonly #home: RequestHome;
  readonly #draws: Draws;
  readonly #recorder = new WorkRecorder();
  readonly #life = new AbortController();
  readonly #answers = new Map<number, AnswerMessage>();
  #send: ((message: HubMessage) => void) | null = null;
  #text: TokenId[];
  #epoch = 0;
  /** The last transmission that was answered. */
  #lastSequence = -1;
  #held: Held | null = null;
  #turn: Promise<void> = Promise.resolve();
  #waitingCount = 0;

  constructor(opened: OpenMessage, owner: string, home: RequestHome, draws: Draws) {
    this.opened = opened;
    this.owner = owner;
    this.#home = home;
    this.#draws = draws;
    this.#text = [...opened.text];
  }

  /** Tokens of text. */
  get length(): number {
    return this.#text.length;
  }

  get isConnected(): boolean {
    return this.#send !== null;
  }

  /** Whether transmissions wait for their answers. */
  get isBusy(): boolean {
    return this.#waitingCount > 0;
  }

  /** Answers go to this connection from now on. */
  attach(send: (message: HubMessage) => void): void {
    this.#send = send;
  }

  /** Answers go nowhere, if they went to this connection. */
  detach(send: (message: HubMessage) => void): void {
    if (this.#send === send) this.#send = null;
  }

  /** Answers transmissions one after the other. */
  receive(message: TransmitMessage): void {
    if (this.#waitingCount >= this.#home.transmissionsInFlightMax) {
      this.#refuse('busy', `${this.#waitingCount} transmissions already wait.`, message);
      return;
    }
    this.#waitingCount += 1;
    this.#turn = this.#turn
      .then(() => this.#receive(message))
      .catch((error: unknown) => this.#home.failed(error))
      .finally(() => {
        this.#waitingCount -= 1;
      });
  }

  /** Gives the cells up; the prefix cache keeps the text while it has room. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = null;
    await held?.lease.release();
  }

  /** Ends the request. */
  async close(): Promise<void> {
    this.#send = null;
    this.#life.abort(new PilotfishError('aborted', 'The request was closed.'));
    await this.release();
    await this.#turn;
    // The turn may have been given cells just before it was cancelled.
    await this.release();
  }

  async #receive(message: TransmitMessage): Promise<void> {
    const { sequence, from, epoch } = message;
    const known = this.#answers.get(sequence);
    if (known !== undefined) return this.#send?.(known);
    if (epoch < this.#epoch || sequence <= this.#lastSequence) return;
    const { promptLength } = this.opened;
    if (from < promptLength || from > this.#text.length) {
      const seen = `from is ${from}, and the answer goes from ${promptLength} to ${this.#text.length}.`;
      return this.#refuse('position-unexpected', seen, message);
    }
    this.#home.busy(this);
    try {
      const answer = await this.#answer(message);
      this.#text = [...this.#textOf(message), answer.tokenId];
      this.#lastSequence = sequence;
      this.#epoch = answer.isAccepted ? epoch : epoch + 1;
      this.#keep(answer);
      this.#home.answered(answer);
      this.#send?.(answer);
    } catch (error) {
      this.#fail(error, message);
    } finally {
      if (!this.#life.signal.aborted) this.#home.idle(this);
    }
  }

  #textOf({ from, unsynced }: TransmitMessage): readonly TokenId[] {
    return [...this.#text.slice(0, from), ...unsynced];
  }

  async #answer(message: TransmitMessage): Promise<AnswerMessage> {
    const text = this.#textOf(message);
    const { wantsLogprobs, vocabulary } = this.opened;
    const session = await this.#session(text.length);
    const proposal = this.#proposal(message, vocabulary.size);
    const reads = { distribution: proposal !== null, logprob: wantsLogprobs };
    const [row] = await session.rows({ text, outputCount: 1, purpose: 'verify', reads });
    const target = required(row, 'one output row');
    const { draft, sequence } = message;
    const verdict = judgeDraft(draft, proposal, target, text.length, this.#draws);
    const work = this.#recorder.drain();
    const rowCounts = work.flatMap((event) => event.rowCounts);
    return {
      type: 'answer',
      sequence,
      position: text.length,
      ...verdict,
      computeMs: Math.fround(work.reduce((sum, { computeMs }) => sum + computeMs, 0)),
      waitedMs: Math.fround(work.reduce((sum, { waitedMs }) => sum + waitedMs, 0)),
      rowCount: rowCounts.reduce((sum, count) => sum + count, 0),
      forwardCount: rowCounts.length,
      // A row knows it of its own draw only.
      logprob: verdict.tokenId === target.tokenId ? asSingle(target.logprob) : null,
    };
  }

  /** What the draft was drawn from; null: it is compared with the large model's draw. */
  #proposal({ draft, distribution }: TransmitMessage, size: number): Float64Array | null {
    const sent = expandDraftDistribution(distribution, size);
    if (sent !== null || this.opened.noise === 'shared') return sent;
    const certain = new Float64Array(size);
    certain[draft] = 1;
    return certain;
  }

  /** The session, with cells for a text of this length. */
  async #session(length: number): Promise<LocalSession> {
    if (this.#held !== null && length <= this.#held.cellCount) return this.#held.session;
    await this.release();
    const { model, modelId } = this.#home;
    const { contextLength, rowCountMax } = model.facts;
    checkLength(length, contextLength);
    const steps = Math.ceil((length + 1) / RESERVED_CELL_STEP);
    const cellCount = Math.min(contextLength, steps * RESERVED_CELL_STEP);
    const { signal } = this.#life;
    const lease = await this.#home.lease(cellCount, signal);
    const { sampling, seed, vocabulary, promptLength } = this.opened;
    const session = new LocalSession({
      ...{ modelId, lease, rowCountMax, contextLength, promptLength, signal },
      sampling: { vocabularySize: vocabulary.size, sampling, seed },
      isEndOfGeneration: (id) => model.vocabulary.isEndOfGeneration(id),
      tokenBytes: (id) => model.vocabulary.tokenBytes(id),
      recorder: this.#recorder,
      remoteSessions: new Set(),
    });
    this.#held = { lease, cellCount, session };
    return session;
  }

  #keep(answer: AnswerMessage): void {
    this.#answers.set(answer.sequence, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > KEPT_ANSWER_COUNT && oldest !== undefined)
      this.#answers.delete(oldest);
  }

  #fail(error: unknown, message: TransmitMessage): void {
    if (this.#life.signal.aborted) return;
    const code = PilotfishError.isInstance(error) ? error.code : null;
    if (code === 'kv-full') this.#refuse('context-full', messageOf(error), message);
    else if (code === 'engine-busy') this.#refuse('busy', messageOf(error), message);
    else {
      this.#home.failed(error);
      this.#refuse('internal', 'The hub failed to verify a draft.', message);
    }
  }

  #refuse(code: LinkErrorCode, message: string, { sequence }: TransmitMessage): void {
    this.#send?.({ type: 'error', code, sequence, message });
  }
}

function checkLength(length: number, contextLength: number): void {
  if (length < contextLength) return;
  throw new PilotfishError(
    'kv-full',
    `A text of ${length} tokens leaves no room in the hub's context of ${contextLength}.`,
    { fields: { length, contextLength } },
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function asSingle(value: number | null): number | null {
  return value === null ? null : Math.fround(value);
}
