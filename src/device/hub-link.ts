/**
 * A device's end of one connection to a hub. Replies are read in their order. A hub may send as many as
 * it was asked for; they wait here for their reader.
 */
import { abortError, PilotfishError } from '../core/errors.ts';
import { invariant } from '../core/invariant.ts';
import { decodeFromHub, encode } from '../link/codec.ts';
import { frameInvalid } from '../link/frame-invalid.ts';
import type { FrameTransport } from '../link/frame-transport.ts';
import { linkLimits } from '../link/limits.ts';
import type { AnswerMessage, DeviceMessage, HubMessage } from '../link/messages.ts';

type Reply = Exclude<HubMessage, { readonly type: 'drain' }>;

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

export interface WaitOptions {
  /** For one reply. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** A hub that sends more without being asked is not followed any longer. */
const UNASKED_ERROR_COUNT_MAX = 8;

export class HubLink {
  readonly #transport: FrameTransport;
  readonly #vocabularySize: number;
  #waiting: Waiting | null = null;
  /** Replies that came before their reader. */
  readonly #arrived: Reply[] = [];
  /** Replies that the hub may still send. */
  #dueCount = 0;
  /** Why nothing more can be asked; null: the connection lives. */
  #end: PilotfishError | null = null;
  #isConnected = true;
  #isDraining = false;
  /** Errors that nobody asked for. */
  #errorCount = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(transport: FrameTransport, vocabularySize: number) {
    this.#transport = transport;
    this.#vocabularySize = vocabularySize;
    void this.#read();
  }

  get isOpen(): boolean {
    return this.#end === null;
  }

  /** Whether a new request may use it. */
  get isReusable(): boolean {
    const isQuiet = this.#dueCount === 0 && this.#arrived.length === 0 && this.#waiting === null;
    return this.isOpen && !this.#isDraining && isQuiet;
  }

  /** Answers that nobody has read and nobody will. */
  takeAnswers(): readonly AnswerMessage[] {
    return this.#arrived.splice(0).flatMap((reply) => (reply.type === 'answer' ? reply : []));
  }

  /** Bytes of the frames that were sent and received since the last call. */
  takeBytes(): { readonly bytesUp: number; readonly bytesDown: number } {
    const taken = { bytesUp: this.#bytesUp, bytesDown: this.#bytesDown };
    this.#bytesUp = 0;
    this.#bytesDown = 0;
    return taken;
  }

  /** Sends a message that has no answer. */
  tell(message: DeviceMessage): void {
    if (this.#end === null) this.#send(message);
  }

  #send(message: DeviceMessage): void {
    const frame = encode(message, this.#vocabularySize);
    this.#bytesUp += frame.length;
    this.#transport.send(frame);
  }

  /** Sends a message that has up to this many replies more than were asked for before. */
  send(message: DeviceMessage, replyCount: number): void {
    this.#dueCount += replyCount;
    this.tell(message);
  }

  /** The hub has said that this many of the replies do not come. */
  forgive(replyCount: number): void {
    this.#dueCount = Math.max(0, this.#dueCount - replyCount);
  }

  /** Sends a message and waits for its one reply. @throws as `next` */
  async ask(message: DeviceMessage, waiting: WaitOptions): Promise<Reply> {
    if (waiting.signal.aborted) this.#giveUp(abortError(waiting.signal));
    this.send(message, 1);
    return await this.next(waiting);
  }

  /**
   * The next reply. After a failure nothing more can be asked, and the caller closes the connection.
   * @throws PilotfishError `hub-unreachable` if the link breaks or stalls, `frame-invalid`, `aborted`
   */
  async next({ waitMs, signal }: WaitOptions): Promise<Reply> {
    invariant(this.#waiting === null, 'one reader at a time');
    if (signal.aborted) this.#giveUp(abortError(signal));
    const arrived = signal.aborted ? undefined : this.#arrived.shift();
    if (arrived !== undefined) return arrived;
    if (this.#end !== null) throw this.#end;
    const giveUp = (): void => this.#giveUp(abortError(signal));
    const timer = setTimeout(() => this.#stop(stalled(waitMs)), waitMs);
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const reply = new Promise<Reply>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
      return await reply;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      this.#waiting = null;
    }
  }

  /** @param last is sent first, if the connection still lives */
  close(last?: DeviceMessage): void {
    if (last !== undefined && this.#isConnected) this.#send(last);
    this.#stop(broken());
  }

  async #read(): Promise<void> {
    try {
      for await (const frame of this.#transport.frames) {
        if (this.#end !== null) return;
        this.#bytesDown += frame.length;
        this.#receive(decodeFromHub(frame, linkLimits(this.#vocabularySize)));
      }
      this.#stop(broken());
    } catch (error) {
      this.#stop(PilotfishError.isInstance(error) ? error : broken(error));
    }
  }

  #receive(message: HubMessage): void {
    if (message.type === 'drain') {
      if (this.#isDraining) throw frameInvalid('type', 'drain', 'sent twice');
      this.#isDraining = true;
      return;
    }
    if (this.#dueCount === 0) {
      // An error can be about the connection, which then ends.
      this.#errorCount += 1;
      if (message.type === 'error' && this.#errorCount <= UNASKED_ERROR_COUNT_MAX) return;
      throw frameInvalid('type', message.type, 'one that was asked for');
    }
    this.#dueCount -= 1;
    if (this.#waiting === null) this.#arrived.push(message);
    else this.#waiting.resolve(message);
    this.#waiting = null;
  }

  #stop(error: PilotfishError): void {
    this.#giveUp(error);
    this.#isConnected = false;
    this.#transport.close();
  }

  #giveUp(error: PilotfishError): void {
    this.#end ??= error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }
}

function broken(cause?: unknown): PilotfishError {
  return new PilotfishError('hub-unreachable', 'The connection to the hub broke.', {
    remedy: 'Check that the hub still runs and the network is up.',
    cause,
  });
}

function stalled(waitMs: number): PilotfishError {
  return new PilotfishError(
    'hub-unreachable',
    `The hub did not answer within ${Math.round(waitMs / 1000)} s.`,
    { remedy: 'Check the load of the hub.', fields: { waitMs } },
  );
}
