/** How far a run goes: tokens that the hub writes for a device, one answer each. Pure. */
import type { TransmitMessage, WriteMessage } from '../link/messages.ts';

export class HubRun {
  /** Whether it waits for its turn, or is written. */
  isUnderWay = true;
  readonly #begun: WriteMessage;
  #next: number;
  /** Behind the last answer that is wanted now. */
  #end: number;
  /** Behind the last answer that was ever wanted: the device waits until there, unless it is told. */
  #promisedEnd: number;
  #isOver = false;

  constructor(begun: WriteMessage) {
    const { sequence, countMax } = begun;
    this.#begun = begun;
    this.#next = sequence;
    this.#end = sequence + countMax;
    this.#promisedEnd = this.#end;
  }

  /** Of the next answer. */
  get sequence(): number {
    return this.#next;
  }

  get goesOn(): boolean {
    return !this.#isOver && this.#next < this.#end;
  }

  /** Takes another number of answers, if a message says one. @returns whether it does */
  change(message: TransmitMessage | WriteMessage): boolean {
    if (message.type !== 'write') return false;
    const { sequence, epoch, from, unsynced, countMax } = message;
    const { sequence: first, epoch: ownEpoch, ...begun } = this.#begun;
    const isReached = sequence >= first && sequence <= this.#next;
    const position = begun.from + begun.unsynced.length + (sequence - first);
    if (!isReached || epoch !== ownEpoch || from !== position || unsynced.length > 0) return false;
    this.#end = sequence + countMax;
    this.#promisedEnd = Math.max(this.#promisedEnd, this.#end);
    return true;
  }

  answered(): void {
    this.#next += 1;
  }

  /** No further answer is written: behind an end of generation, or because of another message. */
  stop(): void {
    this.#end = Math.min(this.#end, this.#next);
  }

  /** It cannot go on, whatever the device asks. */
  fail(): void {
    this.#isOver = true;
  }

  /** @returns whether the device waits for answers that do not come; it is told once */
  endEarly(): boolean {
    const isEarly = !this.#isOver && this.#next < this.#promisedEnd;
    if (isEarly) this.#isOver = true;
    return isEarly;
  }
}
