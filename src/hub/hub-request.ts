/**
 * One device's request on a hub: the text that the device has told, the verdicts on its drafts, and the
 * runs that the hub writes for it. The text outlives the connection and the KV cells. Draws depend on
 * (seed, position) alone, and answers are kept for a while, so a question that arrives twice gets the
 * same answer twice.
 *
 * Questions are answered one after the other, on the connection on which they came. A device that has
 * left it repeats what it still wants to know.
 */
import type { Draws } from '../core/draws.ts';
import { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import type { ModelId } from '../core/model-id.ts';
import type { RowResult } from '../core/row-program.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Lease } from '../kv-cache/lease.ts';
import type {
  AnswerMessage,
  HubMessage,
  LinkErrorCode,
  OpenMessage,
  TransmitMessage,
  WriteMessage,
} from '../link/messages.ts';
import type { LanguageModel } from '../model/roles.ts';
import { expandDraftDistribution } from '../sampling/draft-distribution.ts';
import { LocalSession } from '../session/local-session.ts';
import { WorkRecorder } from '../session/work-recorder.ts';
import { judgeDraft } from '../speculative/verifiers.ts';
import { KEPT_ANSWER_COUNT, RESERVED_CELL_STEP, RUN_TURN_LENGTH } from './hub-limits.ts';
import { HubRun } from './hub-run.ts';

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
  answered(answer: AnswerMessage, kind: AnswerKind): void;
  failed(error: unknown): void;
}

export type AnswerKind = 'accepted' | 'rejected' | 'written';

/** Sends to a device, while its request stays on that connection. */
export type Send = (message: HubMessage) => void;

/** A transmission, or the next answer of a run. */
interface Asked {
  readonly sequence: number;
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
  #send: Send | null = null;
  #text: TokenId[];
  #epoch = 0;
  /** The last transmission that was answered. */
  #lastSequence = -1;
  #held: Held | null = null;
  /** The last run, if nothing else was asked since. */
  #run: HubRun | null = null;
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

  /**
   * The device is on this connection from now on.
   * @param epoch of the device, which may have given up a question whose answer was lost
   */
  attach(send: Send, epoch: number): void {
    this.#send = send;
    this.#run = null;
    this.#epoch = Math.min(this.#epoch, epoch);
  }

  /** The device has left this connection. */
  detach(send: Send): void {
    if (this.#send === send) this.#send = null;
  }

  /**
   * Answers in turn, behind what already waits. Every message that does not change a run stops it.
   * @param send of the connection on which it came
   */
  receive(message: TransmitMessage | WriteMessage, send: Send): void {
    if (this.#send !== send) return;
    const run = this.#run;
    if (run?.change(message) === true) {
      if (run.goesOn && !run.isUnderWay) this.#take(message, send, () => this.#write(run, send));
      return;
    }
    run?.stop();
    const begun = message.type === 'write' ? new HubRun(message) : null;
    this.#run = begun;
    this.#take(message, send, () => this.#answer(message, begun, send));
  }

  #take({ sequence }: Asked, send: Send, answer: () => Promise<void>): void {
    if (this.#waitingCount >= this.#home.transmissionsInFlightMax) {
      this.#run = null;
      this.#refuse('busy', `${this.#waitingCount} messages already wait.`, sequence, send);
      return;
    }
    this.#waitingCount += 1;
    this.#turn = this.#turn
      .then(answer)
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

  /** @param run for a `write` */
  async #answer(
    message: TransmitMessage | WriteMessage,
    run: HubRun | null,
    send: Send,
  ): Promise<void> {
    if (this.#send !== send) return;
    const { sequence, from, unsynced, epoch } = message;
    const known = this.#answers.get(sequence);
    if (known !== undefined && run === null) return send(known);
    const isStale = known === undefined && sequence <= this.#lastSequence;
    if (epoch < this.#epoch || isStale) return;
    const { promptLength } = this.opened;
    if (from < promptLength || from > this.#text.length) {
      const seen = `from is ${from}, and the answer goes from ${promptLength} to ${this.#text.length}.`;
      return this.#refuse('position-unexpected', seen, sequence, send);
    }
    const text = [...this.#text.slice(0, from), ...unsynced];
    if (message.type === 'transmit') return await this.#judge(message, text, send);
    if (run === null) return;
    this.#text = text;
    await this.#write(run, send);
  }

  async #judge(message: TransmitMessage, text: TokenId[], send: Send): Promise<void> {
    const { sequence, epoch, draft } = message;
    const proposal = this.#proposal(message);
    await this.#using(send, message, async () => {
      const target = await this.#row(text, proposal !== null);
      const verdict = judgeDraft(draft, proposal, target, text.length, this.#draws);
      const answer = this.#answerOf(sequence, text.length, verdict, target);
      this.#text = [...text, answer.tokenId];
      this.#epoch = answer.isAccepted ? epoch : epoch + 1;
      this.#answered(answer, answer.isAccepted ? 'accepted' : 'rejected', send);
    });
  }

  /** Goes on with a run. Another message may change how far, or stop it, after every token. */
  async #write(run: HubRun, send: Send): Promise<void> {
    run.isUnderWay = true;
    await this.#using(send, run, async () => {
      try {
        for (let count = 1; run.goesOn && this.#send === send; count += 1) {
          await this.#writeToken(run, send);
          if (count % RUN_TURN_LENGTH === 0) this.#letOthers();
        }
        if (run.endEarly()) this.#tell({ type: 'stopped', sequence: run.sequence }, send);
      } catch (error) {
        run.fail();
        throw error;
      } finally {
        run.isUnderWay = false;
      }
    });
  }

  async #writeToken(run: HubRun, send: Send): Promise<void> {
    const { sequence } = run;
    const known = this.#answers.get(sequence);
    const answer = known ?? (await this.#written(sequence));
    this.#text.push(answer.tokenId);
    run.answered();
    if (this.#home.model.vocabulary.isEndOfGeneration(answer.tokenId)) run.stop();
    if (known === undefined) this.#answered(answer, 'written', send);
    else this.#tell(answer, send);
  }

  async #written(sequence: number): Promise<AnswerMessage> {
    const target = await this.#row(this.#text, false);
    const { length } = this.#text;
    const written = { tokenId: target.tokenId, isAccepted: false };
    return this.#answerOf(sequence, length, written, target);
  }

  /** Uses the cells for some work. The device is told if it fails. */
  async #using(send: Send, asked: Asked, work: () => Promise<void>): Promise<void> {
    this.#home.busy(this);
    try {
      await work();
    } catch (error) {
      this.#fail(error, asked, send);
    } finally {
      if (!this.#life.signal.aborted) this.#home.idle(this);
    }
  }

  /** Others may have the cells now, if they wait for some. */
  #letOthers(): void {
    if (this.#life.signal.aborted) return;
    this.#home.idle(this);
    this.#home.busy(this);
  }

  async #row(text: readonly TokenId[], distribution: boolean): Promise<RowResult> {
    const session = await this.#session(text.length);
    const reads = { distribution, logprob: this.opened.wantsLogprobs };
    const [row] = await session.rows({ text, outputCount: 1, purpose: 'verify', reads });
    return required(row, 'one output row');
  }

  #answerOf(
    sequence: number,
    position: number,
    verdict: Pick<AnswerMessage, 'tokenId' | 'isAccepted'>,
    target: RowResult,
  ): AnswerMessage {
    const work = this.#recorder.drain();
    const rowCounts = work.flatMap((event) => event.rowCounts);
    return {
      type: 'answer',
      sequence,
      position,
      ...verdict,
      computeMs: Math.fround(work.reduce((sum, { computeMs }) => sum + computeMs, 0)),
      waitedMs: Math.fround(work.reduce((sum, { waitedMs }) => sum + waitedMs, 0)),
      rowCount: rowCounts.reduce((sum, count) => sum + count, 0),
      forwardCount: rowCounts.length,
      // A row knows it of its own draw only.
      logprob: verdict.tokenId === target.tokenId ? asSingle(target.logprob) : null,
    };
  }

  #answered(answer: AnswerMessage, kind: AnswerKind, send: Send): void {
    this.#lastSequence = answer.sequence;
    this.#keep(answer);
    this.#home.answered(answer, kind);
    this.#tell(answer, send);
  }

  /** What the draft was drawn from; null: it is compared with the large model's draw. */
  #proposal({ draft, distribution }: TransmitMessage): Float64Array | null {
    const { size } = this.opened.vocabulary;
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

  #fail(error: unknown, { sequence }: Asked, send: Send): void {
    if (this.#life.signal.aborted) return;
    const code = PilotfishError.isInstance(error) ? error.code : null;
    if (code === 'kv-full') this.#refuse('context-full', messageOf(error), sequence, send);
    else if (code === 'engine-busy') this.#refuse('busy', messageOf(error), sequence, send);
    else {
      this.#home.failed(error);
      this.#refuse('internal', "The hub's model failed.", sequence, send);
    }
  }

  #refuse(code: LinkErrorCode, message: string, sequence: number, send: Send): void {
    this.#tell({ type: 'error', code, sequence, message }, send);
  }

  /** Says nothing on a connection that the device has left. */
  #tell(message: HubMessage, send: Send): void {
    if (this.#send === send) send(message);
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
