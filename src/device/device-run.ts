/**
 * A run as its device follows it: tokens that the hub writes ahead of the device, and which of their
 * answers are still to come on the run's connection.
 */
import type { TokenId } from '../core/token-id.ts';
import { frameInvalid } from '../link/frame-invalid.ts';
import type { AnswerMessage, ErrorMessage, WriteMessage } from '../link/messages.ts';
import { runLength } from '../link/run-length.ts';
import type { HubLink, WaitOptions } from './hub-link.ts';

export class DeviceRun {
  readonly #link: HubLink;
  readonly #epoch: number;
  /** Of the next answer. */
  #sequence: number;
  /** Of its token in the text. */
  #position: number;
  /** Behind the last answer that was asked for. */
  #end: number;
  #isStopped = false;
  /** Whether an answer has come: a hub that writes nothing at all breaks the rules. */
  #isAnswered = false;

  /** Sends the message. */
  constructor(link: HubLink, message: WriteMessage) {
    const { sequence, epoch, from, unsynced, countMax } = message;
    this.#link = link;
    this.#epoch = epoch;
    this.#sequence = sequence;
    this.#position = from + unsynced.length;
    this.#end = sequence + countMax;
    link.send(message, countMax);
  }

  /** Of the next answer. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Behind the last answer that was asked for. */
  get end(): number {
    return this.#end;
  }

  /** Whether its next token is the one behind a text, given that it has written the end of it. */
  isBehind({ length }: readonly TokenId[]): boolean {
    return !this.#isStopped && this.#position === length;
  }

  /** Asks for more answers in time. @param wantedCount answers that the device wants from now on */
  extend(wantedCount: number): void {
    const countMax = runLength(this.#end - this.#sequence, wantedCount);
    if (countMax === 0) return;
    const end = this.#sequence + countMax;
    this.#link.send(this.#change(countMax), end - this.#end);
    this.#end = end;
  }

  /** Tells the hub that no more answers are wanted. Those that are under way still come. */
  stop(): void {
    if (this.#isStopped || this.#sequence === this.#end) return;
    this.#isStopped = true;
    this.#link.tell(this.#change(0));
  }

  /**
   * @returns null if the hub has ended the run
   * @throws PilotfishError `frame-invalid`, and as `HubLink.next`
   */
  async next(waiting: WaitOptions): Promise<AnswerMessage | ErrorMessage | null> {
    const reply = await this.#link.next(waiting);
    if (reply.type === 'opened') throw frameInvalid('type', reply.type, 'answer');
    if (reply.type === 'answer') {
      this.#check(reply);
      this.#sequence += 1;
      this.#position += 1;
      this.#isAnswered = true;
      return reply;
    }
    if (reply.type === 'error') {
      if (reply.sequence === this.#sequence) this.#cut(this.#end - this.#sequence - 1);
      return reply;
    }
    if (reply.sequence !== this.#sequence) {
      throw frameInvalid('sequence', reply.sequence, `${this.#sequence}`);
    }
    if (!this.#isAnswered) throw frameInvalid('type', reply.type, 'answer');
    this.#cut(this.#end - this.#sequence - 1);
    return null;
  }

  /**
   * Reads what the hub wrote before it heard that no more is wanted.
   * @returns the error of another question, if the hub sent one first
   * @throws as `next`
   */
  async rest(
    waiting: WaitOptions,
    onAnswer: (answer: AnswerMessage) => void,
  ): Promise<ErrorMessage | null> {
    this.#isAnswered = true;
    while (this.#sequence < this.#end) {
      const reply = await this.next(waiting);
      if (reply?.type === 'answer') onAnswer(reply);
      else if (reply !== null && this.#sequence < this.#end) return reply;
    }
    return null;
  }

  #change(countMax: number): WriteMessage {
    const [sequence, epoch, from] = [this.#sequence, this.#epoch, this.#position];
    return { type: 'write', sequence, epoch, from, unsynced: [], countMax };
  }

  /** No further answer comes. @param count those that would have, beside the reply that says so */
  #cut(count: number): void {
    this.#end = this.#sequence;
    this.#link.forgive(count);
  }

  #check({ sequence, position, isAccepted }: AnswerMessage): void {
    if (sequence !== this.#sequence) throw frameInvalid('sequence', sequence, `${this.#sequence}`);
    if (position !== this.#position) throw frameInvalid('position', position, `${this.#position}`);
    if (isAccepted) throw frameInvalid('isAccepted', 1, '0 in a run');
  }
}
