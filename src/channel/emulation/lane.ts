/** One direction of an emulated link: segments wait for their turn and their time, in order. */
import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../../core/clock.ts';
import type { Direction } from '../direction.ts';
import { interfaceBytes, SEGMENT_BYTES } from '../packets.ts';

/** A source is paused while more bytes wait, as a sender is when its window is full. */
const QUEUED_BYTES_MAX = 64 * 1024;

interface Segment {
  readonly dueMs: number;
  /** Null: the source has ended. */
  readonly bytes: Uint8Array | null;
  readonly from: Readable;
  readonly to: Writable;
}

export class Lane {
  readonly #direction: Direction;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #queue: Segment[] = [];
  readonly #paused = new Set<Readable>();
  #queuedBytes = 0;
  #freeAtMs = 0;
  #passedBytes = 0;
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null;

  constructor(direction: Direction, clock: Clock) {
    this.#direction = direction;
    this.#clock = clock;
    this.#startMs = clock.nowMs();
  }

  get passedBytes(): number {
    return this.#passedBytes;
  }

  join(from: Readable, to: Writable): void {
    from.on('data', (chunk: Uint8Array) => this.#push(chunk, from, to));
    from.on('end', () => this.#enqueue({ dueMs: this.#dueMs(0), bytes: null, from, to }));
  }

  close(): void {
    this.#cancel();
    this.#queue.length = 0;
  }

  #push(chunk: Uint8Array, from: Readable, to: Writable): void {
    for (let start = 0; start < chunk.length; start += SEGMENT_BYTES) {
      const bytes = chunk.subarray(start, start + SEGMENT_BYTES);
      this.#enqueue({ dueMs: this.#dueMs(bytes.length), bytes, from, to });
    }
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes <= QUEUED_BYTES_MAX) return;
    from.pause();
    this.#paused.add(from);
  }

  /** When the last of the bytes arrives, if they are sent as soon as the lane is free. */
  #dueMs(byteCount: number): number {
    const ready = Math.max(this.#clock.nowMs() - this.#startMs, this.#freeAtMs);
    this.#freeAtMs = this.#direction.sentAtMs(ready, interfaceBytes(byteCount));
    return this.#freeAtMs + this.#direction.delayMs;
  }

  #enqueue(segment: Segment): void {
    this.#queue.push(segment);
    if (this.#timer === null) this.#wait();
  }

  /** Timers have whole milliseconds and come late: the last one is waited for in turns of the loop. */
  #wait(): void {
    const [next] = this.#queue;
    if (next === undefined) return;
    const leftMs = Math.floor(next.dueMs - (this.#clock.nowMs() - this.#startMs)) - 1;
    this.#timer =
      leftMs >= 1 ? setTimeout(() => this.#deliver(), leftMs) : setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#timer = null;
    const nowMs = this.#clock.nowMs() - this.#startMs;
    for (
      let [next] = this.#queue;
      next !== undefined && next.dueMs <= nowMs;
      [next] = this.#queue
    ) {
      this.#queue.shift();
      this.#pass(next);
    }
    this.#wait();
  }

  #pass({ bytes, to }: Segment): void {
    if (bytes === null) {
      to.end();
      return;
    }
    this.#passedBytes += bytes.length;
    this.#queuedBytes -= bytes.length;
    if (!to.destroyed) to.write(bytes);
    if (this.#queuedBytes > QUEUED_BYTES_MAX / 2) return;
    for (const source of this.#paused) source.resume();
    this.#paused.clear();
  }

  #cancel(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer as NodeJS.Timeout);
    clearImmediate(this.#timer as NodeJS.Immediate);
    this.#timer = null;
  }
}
