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
  /** Before each message of the hub, since the one before it in either direction. */
  readonly waitedMs: number;
}

export class MessageLog {
  readonly #clock: Clock;
  #total: Carried = { sentCount: 0, upBytes: 0, receivedCount: 0, downBytes: 0, waitedMs: 0 };
  #lastMs = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  get total(): Carried {
    return this.#total;
  }

  /** The transport, with its messages counted. One request is out at a time, of all connections. */
  watch(transport: FrameTransport): FrameTransport {
    return {
      send: (frame) => {
        this.#lastMs = this.#clock.nowMs();
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
      const waitedMs = this.#clock.nowMs() - this.#lastMs;
      this.#lastMs += waitedMs;
      this.#add({ receivedCount: 1, downBytes: webSocketBytes(frame.length, 'hub'), waitedMs });
      yield frame;
    }
  }

  #add(more: Partial<Carried>): void {
    this.#total = carriedSum(this.#total, more, 1);
  }
}

/** @returns the sums since an earlier time */
export function carriedSince(total: Carried, earlier: Carried): Carried {
  return carriedSum(total, earlier, -1);
}

function carriedSum(one: Carried, other: Partial<Carried>, sign: 1 | -1): Carried {
  const sum = (field: keyof Carried): number => one[field] + sign * (other[field] ?? 0);
  return {
    ...{ sentCount: sum('sentCount'), upBytes: sum('upBytes') },
    ...{ receivedCount: sum('receivedCount'), downBytes: sum('downBytes') },
    waitedMs: sum('waitedMs'),
  };
}
