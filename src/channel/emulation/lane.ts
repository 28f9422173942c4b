/** One direction of an emulated link: messages wait for their turn and their time, in order. */
import type { Clock } from '../../core/clock.ts';
import type { Direction } from '../direction.ts';
import { interfaceBytes } from '../packets.ts';

interface Waiting {
  readonly dueMs: number;
  readonly byteCount: number;
  readonly deliver: () => void;
}

/** Timers have whole milliseconds, and come late by one or two on a busy machine. */
const TIMER_LATENESS_MS = 3;

export class Lane {
  readonly #direction: Direction;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #queue: Waiting[] = [];
  #queuedBytes = 0;
  #passedBytes = 0;
  #freeAtMs = 0;
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;

  constructor(direction: Direction, clock: Clock) {
    this.#direction = direction;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  /** Bytes that are on their way. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Bytes that have arrived. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** Sends bytes as soon as the lane is free. @param deliver is called when the last of them arrives */
  send(byteCount: number, deliver: () => void): void {
    const ready = Math.max(this.#nowMs(), this.#freeAtMs);
    this.#freeAtMs = this.#direction.sentAtMs(ready, interfaceBytes(byteCount));
    const dueMs = this.#freeAtMs + this.#direction.delayMs;
    this.#queuedBytes += byteCount;
    this.#queue.push({ dueMs, byteCount, deliver });
    if (this.#timer === null) this.#wait();
  }

  /** Drops what is on its way. */
  close(): void {
    clearTimeout(this.#timer as NodeJS.Timeout);
    clearImmediate(this.#timer as NodeJS.Immediate);
    this.#timer = null;
    this.#queue.length = 0;
  }

  #nowMs(): number {
    return this.#clock.nowMs() - this.#startMs;
  }

  /** The last milliseconds are waited for in turns of the event loop. */
  #wait(): void {
    const [next] = this.#queue;
    if (next === undefined) return;
    const leftMs = Math.floor(next.dueMs - this.#nowMs()) - TIMER_LATENESS_MS;
    const deliver = (): void => this.#deliver();
    this.#timer = leftMs >= 1 ? setTimeout(deliver, leftMs) : setImmediate(deliver);
  }

  #deliver(): void {
    this.#timer = null;
    const nowMs = this.#nowMs();
    for (
      let [next] = this.#queue;
      next !== undefined && next.dueMs <= nowMs;
      [next] = this.#queue
    ) {
      this.#queue.shift();
      this.#queuedBytes -= next.byteCount;
      this.#passedBytes += next.byteCount;
      next.deliver();
    }
    if (this.#timer === null) this.#wait();
  }
}
