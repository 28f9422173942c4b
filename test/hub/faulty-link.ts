/** A link that breaks at chosen frames: each is delivered first, or lost. */
import type { FrameTransport } from '../../src/link/frame-transport.ts';
import type { Ends } from './hub-world.ts';

export interface Cut {
  /** Counts the frames since the cut before, in both directions together. */
  readonly behind: number;
  /** Whether the frame still arrives. If the link breaks in the middle of a frame, it does not. */
  readonly arrives: boolean;
}

export class FaultyLink {
  readonly #cuts: Cut[];
  #seen = 0;
  cutCount = 0;

  constructor(cuts: readonly Cut[]) {
    this.#cuts = [...cuts];
  }

  readonly link = ([device, hub]: Ends): Ends => {
    const close = (): void => {
      device.close();
      hub.close();
    };
    return [this.#faulty(device, close), this.#faulty(hub, close)];
  };

  #faulty(transport: FrameTransport, close: () => void): FrameTransport {
    return {
      ...transport,
      send: (frame) => {
        const [cut] = this.#cuts;
        const isCut = cut !== undefined && this.#seen >= cut.behind;
        this.#seen = isCut ? 0 : this.#seen + 1;
        if (!isCut || cut.arrives) transport.send(frame);
        if (!isCut) return;
        this.#cuts.shift();
        this.cutCount += 1;
        close();
      },
    };
  }
}
