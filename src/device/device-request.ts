/**
 * A device's request on a hub, over as many connections as it takes. It knows which tokens of the text
 * the hub has, sends the others with the next question, and repeats a question whose answer was lost:
 * the hub gives the same answer again.
 */
import { randomBytes } from 'node:crypto';
import { abortableSleep } from '../core/abortable-sleep.ts';
import type { Clock } from '../core/clock.ts';
import { commonLength } from '../core/common-length.ts';
import type { PilotfishError } from '../core/errors.ts';
import { required } from '../core/invariant.ts';
import { pauseAfter } from '../core/pause-after.ts';
import type { TokenId } from '../core/token-id.ts';
import { frameInvalid } from '../link/frame-invalid.ts';
import type {
  AnswerMessage,
  ErrorMessage,
  OpenedMessage,
  OpenMessage,
  RequestId,
  WriteMessage,
} from '../link/messages.ts';
import { REQUEST_ID_BYTES } from '../link/request-id.ts';
import { runLength } from '../link/run-length.ts';
import type { DraftDistribution } from '../sampling/draft-distribution.ts';
import { DeviceRun } from './device-run.ts';
import type { HubLink, WaitOptions } from './hub-link.ts';
import { hubRefusal, isTransient, losesRequest } from './hub-refusal.ts';
import type { LinkPolicy } from './link-policy.ts';

export interface DeviceRequestOptions {
  readonly opening: Omit<OpenMessage, 'type' | 'requestId' | 'text'>;
  readonly policy: LinkPolicy;
  /** A connection to the hub, new or not used by another request. */
  readonly connect: (signal: AbortSignal) => Promise<HubLink>;
  /** Takes a connection back that can be used again. */
  readonly giveBack: (link: HubLink) => void;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

interface Writing {
  readonly text: readonly TokenId[];
  readonly sequence: number;
  readonly wantedCount: number;
}

/** For a verdict. */
export interface Question {
  readonly text: readonly TokenId[];
  readonly draft: TokenId;
  readonly distribution: DraftDistribution;
}

/** How long a request that ends waits for what the hub has still written of a run. */
const REST_MS = 2_000;

export class DeviceRequest {
  readonly #options: DeviceRequestOptions;
  readonly #id: RequestId = randomBytes(REQUEST_ID_BYTES).toString('hex');
  /** The text that the hub has, or had when the link broke. */
  #held: readonly TokenId[] = [];
  /** The newest text: what the hub is told if it has lost the request. */
  #text: readonly TokenId[] = [];
  #isKnown = false;
  /** Of the next question. */
  #sequence = 0;
  #epoch = 0;
  #link: HubLink | null = null;
  /** The last run on this connection. */
  #run: DeviceRun | null = null;
  #discarded: AnswerMessage[] = [];
  /** Connects; while the hub is away it goes on beside the request. */
  #connecting: Promise<HubLink> | null = null;
  #isAway = false;
  #failureCount = 0;
  #failingSinceMs: number | null = null;
  #lastFailure: unknown = null;
  #bytes = { bytesUp: 0, bytesDown: 0 };

  constructor(options: DeviceRequestOptions) {
    this.#options = options;
  }

  /** Tokens of a text that the hub has not been told. */
  unreadLength(text: readonly TokenId[]): number {
    return text.length - commonLength(this.#held, text);
  }

  /** Bytes of the frames that were sent and received since the last call. */
  takeBytes(): { readonly bytesUp: number; readonly bytesDown: number } {
    this.#countBytes();
    const taken = this.#bytes;
    this.#bytes = { bytesUp: 0, bytesDown: 0 };
    return taken;
  }

  /** Answers of runs that came behind the last wanted one, since the last call. */
  takeDiscarded(): readonly AnswerMessage[] {
    return this.#discarded.splice(0);
  }

  /**
   * Asks for a verdict.
   * @returns null if the hub is away and the policy is to go on alone
   * @throws PilotfishError `hub-unreachable` if it stays away, `hub-refused`, `vocabulary-mismatch`,
   *   `kv-full`, `engine-busy`, `frame-invalid`, `aborted`
   */
  async ask(question: Question): Promise<AnswerMessage | null> {
    this.#text = question.text;
    const sequence = this.#sequence;
    this.#sequence += 1;
    for (;;) {
      const link = await this.#openLink();
      if (link === null) return null;
      try {
        return await this.#transmit(link, question, sequence);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /**
   * The hub's own token behind a text. The hub writes on meanwhile, so that the tokens behind it are there
   * when they are asked for.
   * @param wantedCount tokens that may be asked for, this one included
   * @returns and throws as `ask`
   */
  async write(text: readonly TokenId[], wantedCount: number): Promise<AnswerMessage | null> {
    this.#text = text;
    let sequence = this.#runBehind(text)?.sequence ?? this.#sequence;
    for (;;) {
      let run = this.#runBehind(text);
      const link = run === null ? await this.#openLink() : null;
      if (run === null && link === null) return null;
      try {
        if (link !== null) run = await this.#begin(link, { text, sequence, wantedCount });
        const answer = await this.#taken(required(run, 'a run'), text, wantedCount);
        if (answer !== null) return answer;
        sequence = this.#sequence;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** No more tokens of the run are wanted. */
  stop(): void {
    this.#run?.stop();
  }

  /**
   * Tells the hub that the request has ended, if it is there to hear.
   * @param signal fires if nobody waits for what is still under way
   */
  async close(signal: AbortSignal): Promise<void> {
    const link = this.#link;
    if (link === null) return;
    this.stop();
    // A failure closes the link, which has nothing else to do for this request.
    await this.#readRest({ waitMs: REST_MS, signal }).catch(() => undefined);
    const last = { type: 'close', requestId: this.#id } as const;
    if (link.isReusable) link.tell(last);
    else link.close(last);
    this.#leave(link);
    if (link.isReusable) this.#options.giveBack(link);
  }

  async #transmit(link: HubLink, question: Question, sequence: number): Promise<AnswerMessage> {
    const { text, draft, distribution } = question;
    const message = {
      type: 'transmit',
      sequence,
      ...this.#told(text),
      draft,
      distribution,
    } as const;
    link.send(message, 1);
    await this.#readRest(this.#waiting);
    const reply = await link.next(this.#waiting);
    if (reply.type === 'error') throw this.#refusal(reply);
    if (reply.type !== 'answer') throw frameInvalid('type', reply.type, 'answer');
    checkAnswer(reply, { sequence, position: text.length, draft });
    if (!reply.isAccepted) this.#epoch += 1;
    this.#answered(text, reply);
    return reply;
  }

  /** The run that writes the token behind a text, if there is one. */
  #runBehind(text: readonly TokenId[]): DeviceRun | null {
    const isSame = commonLength(this.#held, text) === text.length;
    return isSame && this.#run?.isBehind(text) === true ? this.#run : null;
  }

  async #begin(link: HubLink, { text, sequence, wantedCount }: Writing): Promise<DeviceRun> {
    const countMax = runLength(0, wantedCount);
    const message = { type: 'write', sequence, ...this.#told(text), countMax } as const;
    const run = new DeviceRun(link, message);
    this.#sequence = Math.max(this.#sequence, run.end);
    await this.#readRest(this.#waiting);
    this.#run = run;
    return run;
  }

  /** Null: the hub has ended the run. */
  async #taken(
    run: DeviceRun,
    text: readonly TokenId[],
    wantedCount: number,
  ): Promise<AnswerMessage | null> {
    run.extend(wantedCount);
    this.#sequence = Math.max(this.#sequence, run.end);
    const reply = await run.next(this.#waiting);
    if (reply === null) this.#run = null;
    else if (reply.type === 'error') throw this.#refusal(reply);
    else this.#answered(text, reply);
    return reply;
  }

  /** Reads what the hub wrote of the last run in vain. */
  async #readRest(waiting: WaitOptions): Promise<void> {
    const refused = await this.#run?.rest(waiting, (answer) => this.#discarded.push(answer));
    this.#run = null;
    if (refused) throw this.#refusal(refused);
  }

  #answered(text: readonly TokenId[], { tokenId }: AnswerMessage): void {
    this.#held = [...text, tokenId];
    this.#failureCount = 0;
    this.#failingSinceMs = null;
  }

  /** What a question says of its text. */
  #told(text: readonly TokenId[]): Pick<WriteMessage, 'epoch' | 'from' | 'unsynced'> {
    const from = commonLength(this.#held, text);
    // If the answer is lost, nobody knows whether the hub still has what came behind.
    this.#held = this.#held.slice(0, from);
    return { epoch: this.#epoch, from, unsynced: text.slice(from) };
  }

  get #waiting(): WaitOptions {
    const { policy, signal } = this.#options;
    return { waitMs: policy.answerMs, signal };
  }

  /** Null: the hub is away, and the request goes on alone. */
  async #openLink(): Promise<HubLink | null> {
    // Until it is open there, the request's own question is out.
    if (this.#connecting === null && this.#link?.isOpen === true) return this.#link;
    const { policy, signal } = this.#options;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    // The next call that waits for it meets its failure.
    this.#connecting.catch(() => undefined);
    if (policy.offline === 'stop') return await this.#connecting;
    const waiting = new AbortController();
    const waitMs = this.#isAway ? 0 : policy.patienceMs;
    const end = AbortSignal.any([waiting.signal, signal]);
    const outOfPatience = abortableSleep(waitMs, end).then(
      () => null,
      () => null,
    );
    try {
      const link = await Promise.race([this.#connecting, outOfPatience]);
      this.#isAway = link === null;
      return link;
    } finally {
      waiting.abort();
    }
  }

  /** Connects, and opens or resumes the request; again and again if the policy allows. */
  async #connect(): Promise<HubLink> {
    const { connect, policy, signal, clock } = this.#options;
    if (this.#link !== null) this.#leave(this.#link);
    for (;;) {
      if (this.#failureCount > 0) {
        const sinceMs = clock.nowMs() - (this.#failingSinceMs ?? clock.nowMs());
        if (policy.offline === 'stop' && sinceMs > policy.patienceMs) throw this.#lastFailure;
        await abortableSleep(pauseAfter(this.#failureCount, policy, Math.random()), signal);
      }
      try {
        const link = await connect(signal);
        this.#link = link;
        await this.#enter(link);
        return link;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** @throws the error, unless the link may come back */
  #failed(error: unknown): void {
    const link = this.#link;
    const isLasting = !isTransient(error);
    // The hub need not remember a request that is given up.
    link?.close(isLasting ? { type: 'close', requestId: this.#id } : undefined);
    if (link !== null) this.#leave(link);
    if (isLasting) throw error;
    this.#failureCount += 1;
    this.#failingSinceMs ??= this.#options.clock.nowMs();
    this.#lastFailure = error;
  }

  async #enter(link: HubLink): Promise<void> {
    if (this.#isKnown) {
      const resume = { type: 'resume', requestId: this.#id, epoch: this.#epoch } as const;
      const reply = await this.#asked(link, { ...resume, length: this.#text.length });
      if (reply.type === 'opened') {
        if (reply.length < this.#held.length) this.#held = this.#held.slice(0, reply.length);
        return;
      }
      if (reply.code !== 'session-unknown') throw this.#refusal(reply);
      this.#isKnown = false;
    }
    // A copy: a request that goes on alone appends to its text.
    const text = [...this.#text];
    const opening = { type: 'open', requestId: this.#id, ...this.#options.opening, text } as const;
    const reply = await this.#asked(link, opening);
    if (reply.type === 'error') throw this.#refusal(reply);
    if (reply.length !== text.length) throw frameInvalid('length', reply.length, `${text.length}`);
    this.#isKnown = true;
    this.#held = text;
  }

  async #asked(
    link: HubLink,
    message: Parameters<HubLink['ask']>[0],
  ): Promise<OpenedMessage | ErrorMessage> {
    const { policy, signal } = this.#options;
    const reply = await link.ask(message, { waitMs: policy.connectMs, signal });
    if (reply.type === 'answer' || reply.type === 'stopped') {
      throw frameInvalid('type', reply.type, 'opened');
    }
    const isOurs = reply.type === 'error' || reply.requestId === this.#id;
    if (!isOurs) throw frameInvalid('requestId', reply.requestId, this.#id);
    return reply;
  }

  /** The hub's error as ours. A request that the hub has lost is opened anew. */
  #refusal(message: ErrorMessage): PilotfishError {
    if (losesRequest(message)) this.#isKnown = false;
    return hubRefusal(message);
  }

  /** What has arrived on the connection and was not read is in vain. */
  #leave(link: HubLink): void {
    this.#discarded.push(...link.takeAnswers());
    this.#countBytes(link);
    this.#link = null;
    this.#run = null;
  }

  #countBytes(link: HubLink | null = this.#link): void {
    if (link === null) return;
    const { bytesUp, bytesDown } = link.takeBytes();
    this.#bytes = {
      bytesUp: this.#bytes.bytesUp + bytesUp,
      bytesDown: this.#bytes.bytesDown + bytesDown,
    };
  }
}

/** @throws PilotfishError `frame-invalid` */
function checkAnswer(
  { sequence, position, tokenId, isAccepted }: AnswerMessage,
  asked: Pick<AnswerMessage, 'sequence' | 'position'> & { readonly draft: TokenId },
): void {
  if (sequence !== asked.sequence) throw frameInvalid('sequence', sequence, `${asked.sequence}`);
  if (position !== asked.position) throw frameInvalid('position', position, `${asked.position}`);
  if (isAccepted !== (tokenId === asked.draft)) {
    throw frameInvalid('tokenId', tokenId, `${isAccepted ? '' : 'another than '}the draft`);
  }
}
