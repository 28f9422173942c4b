/** What a device's connections carry, and how long it waits for answers. */
import { type Clock, systemClock } from '../../core/clock.ts';
import type { FrameTransport } from '../../link/frame-transport.ts';
import { webSocketBytes } from '../packets.ts';

/** Sums over messages. Bytes with WebSocket headers. */
export interface Carried {
  readonly sentCount: number;
  readonly upBytes: number;
  readonly receivedCount: number;
  readonly downBytes: number;
  /** From the sending of each question to its answer. */
  readonly waitedMs: number;
}

const NOTHING: Carried = {
  ...{ sentCount: 0, upBytes: 0, receivedCount: 0, downBytes: 0, waitedMs: 0 },
};

export class MessageLog {
  readonly #clock: Clock;
  #carried = NOTHING;
  #sentAtMs = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Since the last call. */
  take(): Carried {
    const carried = this.#carried;
    this.#carried = NOTHING;
    return carried;
  }

  /** The transport, with its messages counted. A question is out while no other is sent. */
  watch(transport: FrameTransport): FrameTransport {
    return {
      send: (frame) => {
        this.#sentAtMs = this.#clock.nowMs();
        this.#add({ sentCount: 1, upBytes: webSocketBytes(frame.length, 'device') });
        transport.send(frame);
      },
      frames: this.#received(transport.frames),
      get bufferedByteCount() {
        return transport.bufferedByteCount;
      },
      close: (reason) => transport.close(reason),
    };
  }

  async *#received(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const frame of frames) {
      this.#add({
        ...{ receivedCount: 1, downBytes: webSocketBytes(frame.length, 'hub') },
        waitedMs: this.#clock.nowMs() - this.#sentAtMs,
      });
      yield frame;
    }
  }

  #add(more: Partial<Carried>): void {
    const before = this.#carried;
    this.#carried = {
      sentCount: before.sentCount + (more.sentCount ?? 0),
      upBytes: before.upBytes + (more.upBytes ?? 0),
      receivedCount: before.receivedCount + (more.receivedCount ?? 0),
      downBytes: before.downBytes + (more.downBytes ?? 0),
      waitedMs: before.waitedMs + (more.waitedMs ?? 0),
    };
  }
}
