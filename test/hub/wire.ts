/** What passes between a device and a hub, and how long it takes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeFromDevice, decodeFromHub, encode } from '../../src/link/codec.ts';
import type { FrameTransport } from '../../src/link/frame-transport.ts';
import { linkLimits } from '../../src/link/limits.ts';
import type { AnswerMessage, LinkMessage } from '../../src/link/messages.ts';
import { type Ends, TOKENS } from './hub-world.ts';

export class Wire {
  readonly up: LinkMessage[] = [];
  /** What the device has received. */
  readonly down: LinkMessage[] = [];
  readonly #delayMs: number | null;

  /** @param delayMs of each frame, each way; null: none */
  constructor(delayMs: number | null = null) {
    this.#delayMs = delayMs;
  }

  readonly link = ([device, hub]: Ends): Ends => [
    { ...this.#end(device, this.up, decodeFromDevice), frames: this.#seen(device) },
    this.#end(hub, null, decodeFromHub),
  ];

  get answers(): readonly AnswerMessage[] {
    return this.down.flatMap((message) => (message.type === 'answer' ? message : []));
  }

  get bytes(): { readonly up: number; readonly down: number } {
    const sum = (messages: readonly LinkMessage[]): number =>
      messages.reduce((total, message) => total + encode(message, TOKENS.length).length, 0);
    return { up: sum(this.up), down: sum(this.down) };
  }

  upCount(type: LinkMessage['type']): number {
    return this.up.filter((message) => message.type === type).length;
  }

  #end(
    transport: FrameTransport,
    log: LinkMessage[] | null,
    decode: typeof decodeFromDevice | typeof decodeFromHub,
  ): FrameTransport {
    const later = (work: () => void): void => {
      if (this.#delayMs === null) work();
      else void sleep(this.#delayMs).then(work);
    };
    return {
      ...transport,
      send: (frame) => {
        log?.push(decode(frame, linkLimits(TOKENS.length)));
        later(() => transport.send(frame));
      },
      // What was sent before arrives.
      close: (reason) => later(() => transport.close(reason)),
    };
  }

  async *#seen({ frames }: FrameTransport): AsyncGenerator<Uint8Array> {
    for await (const frame of frames) {
      this.down.push(decodeFromHub(frame, linkLimits(TOKENS.length)));
      yield frame;
    }
  }
}
