/** One call of a strategy to a server, with all attempts: bytes, what the server bills, and the time. */
import { setMaxListeners } from 'node:events';
import type { Clock } from '../core/clock.ts';
import type { BilledTokens, WorkPurpose } from '../core/events.ts';
import type { ModelId } from '../core/model-id.ts';
import type { WorkRecorder } from '../session/work-recorder.ts';
import type { ServedUsage } from './dialect.ts';
import type { CallOptions } from './server-client.ts';
import { ServerFailure } from './server-failure.ts';

export interface MeteredCallOptions {
  readonly model: ModelId;
  readonly purpose: WorkPurpose;
  readonly recorder: WorkRecorder;
  readonly clock: Clock;
  /** Whether what the server's cache held was read for earlier requests, and not for this one. */
  readonly isFirst: boolean;
  /** Of its session: cancels it. */
  readonly signal: AbortSignal;
}

export class MeteredCall implements CallOptions {
  bytesUp = 0;
  bytesDown = 0;
  /** For all that is sent for it. */
  readonly signal: AbortSignal;
  readonly #cancelled = new AbortController();
  readonly #options: MeteredCallOptions;
  readonly #startedMs: number;
  readonly #bills: Bill[] = [];
  #isRecorded = false;

  constructor(options: MeteredCallOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
    this.signal = AbortSignal.any([options.signal, this.#cancelled.signal]);
    // It may send any number of texts side by side.
    setMaxListeners(0, this.signal);
  }

  /** An attempt is sent: it is paid for, whether it is answered or not. */
  begin(readCount: number, textCount = 1): Bill {
    const bill = new Bill(readCount, textCount);
    this.#bills.push(bill);
    return bill;
  }

  /**
   * What is sent for it side by side.
   * @throws the first failure, when the others, which are cancelled, have ended
   */
  async all<T>(parts: readonly (Promise<T> | T)[]): Promise<readonly T[]> {
    try {
      return await Promise.all(parts);
    } catch (error) {
      this.#cancelled.abort();
      await Promise.allSettled(parts);
      throw error;
    }
  }

  /** Records the call, once, and cancels what is still under way. */
  record(): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    this.#cancelled.abort();
    const { model, purpose, recorder, clock, isFirst } = this.#options;
    const bills = this.#bills.filter(({ isDropped }) => !isDropped);
    const first = bills.find(({ isSettled }) => isSettled);
    // Of several texts side by side, each has found as much.
    const reused = first === undefined ? 0 : (first.usage.cachedCount ?? 0) / first.textCount;
    const billed = billedBy(bills);
    recorder.record({
      ...{ model, purpose, computeMs: 0, bytesUp: this.bytesUp, bytesDown: this.bytesDown },
      rowCounts: bills.flatMap(forwardsOf),
      outputRowCount: billed.outputCount,
      reusedRowCount: isFirst ? Math.floor(reused) : 0,
      waitedMs: clock.nowMs() - this.#startedMs,
      billed,
    });
  }
}

function billedBy(bills: readonly Bill[]): BilledTokens {
  const sum = (read: (usage: ServedUsage) => number): number =>
    bills.reduce((total, { usage }) => total + read(usage), 0);
  return {
    callCount: bills.length,
    inputCount: sum(({ readCount }) => readCount),
    cachedCount: sum(({ cachedCount }) => cachedCount ?? 0),
    outputCount: sum(({ writtenCount }) => writtenCount),
  };
}

/** The rows of each forward: a batch of texts is one; writing on takes one for every further token. */
function forwardsOf({ usage, textCount }: Bill): readonly number[] {
  const { readCount, cachedCount, writtenCount } = usage;
  const furtherCount = Math.max(0, writtenCount - textCount);
  const readNow = Math.max(1, readCount - (cachedCount ?? 0));
  return [readNow, ...Array.from({ length: furtherCount }, () => 1)];
}

/** What one attempt costs: as the server says, or as far as it is known here. */
export class Bill {
  readonly textCount: number;
  isDropped = false;
  /** Whether the server has said what it bills. */
  isSettled = false;
  #usage: ServedUsage;

  /** @param readCount the tokens of its texts */
  constructor(readCount: number, textCount: number) {
    this.textCount = textCount;
    this.#usage = { readCount, cachedCount: null, writtenCount: 0 };
  }

  get usage(): ServedUsage {
    return this.#usage;
  }

  wrote(count: number): void {
    this.#usage = { ...this.#usage, writtenCount: this.#usage.writtenCount + count };
  }

  settle(usage: ServedUsage): void {
    this.#usage = usage;
    this.isSettled = true;
  }

  /** The attempt failed: it is not billed if the server refused it, or never got it. */
  dropIfUnpaid(error: unknown): void {
    this.isDropped = error instanceof ServerFailure && error.isUnpaid;
  }
}
