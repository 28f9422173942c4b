/** One call of a strategy to a server, with all attempts: bytes, what the server bills, and the time. */
import type { Clock } from '../core/clock.ts';
import type { WorkPurpose } from '../core/events.ts';
import type { ModelId } from '../core/model-id.ts';
import type { WorkRecorder } from '../session/work-recorder.ts';
import type { ServedUsage } from './dialect.ts';
import type { ByteMeter } from './server-client.ts';

export interface MeteredCallOptions {
  readonly model: ModelId;
  readonly purpose: WorkPurpose;
  readonly recorder: WorkRecorder;
  readonly clock: Clock;
}

export class MeteredCall implements ByteMeter {
  bytesUp = 0;
  bytesDown = 0;
  readonly #options: MeteredCallOptions;
  readonly #startedMs: number;
  readonly #bills: Bill[] = [];
  #isRecorded = false;

  constructor(options: MeteredCallOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  /** An attempt is sent: it is paid for, whether it is answered or not. */
  begin(readCount: number): Bill {
    const bill = new Bill(readCount);
    this.#bills.push(bill);
    return bill;
  }

  /** Records the call, once. */
  record(): void {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    const { model, purpose, recorder, clock } = this.#options;
    const usages = this.#bills.map(({ usage }) => usage);
    recorder.record({
      ...{ model, purpose, computeMs: 0, bytesUp: this.bytesUp, bytesDown: this.bytesDown },
      rowCounts: usages.map(({ readCount, cachedCount }) => readCount - (cachedCount ?? 0)),
      outputRowCount: sum(usages.map(({ writtenCount }) => writtenCount)),
      reusedRowCount: sum(usages.map(({ cachedCount }) => cachedCount ?? 0)),
      waitedMs: clock.nowMs() - this.#startedMs,
    });
  }
}

/** What one attempt costs: as the server says, or as far as it is known here. */
export class Bill {
  #usage: ServedUsage;

  /** @param readCount the tokens of its texts */
  constructor(readCount: number) {
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
  }
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
