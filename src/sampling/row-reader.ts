/**
 * Reads several rows of logits (as they come, masked, adjusted) in turns. Opening a row ends the one
 * before, so a row is opened again where it was left; where all are one, it is opened once.
 */
import type { LogitRow } from './logit-row.ts';
import type { RowStatistics } from './row-statistics.ts';

type OpenRow = (logits: Float32Array, size: number) => LogitRow;

interface Opened {
  readonly logits: Float32Array;
  readonly row: LogitRow;
}

export class RowReader {
  readonly size: number;
  readonly #open: OpenRow;
  /** A pass over the row each: one is enough. */
  readonly #statistics = new Map<Float32Array, RowStatistics>();
  #last: Opened | null = null;

  /** @param size of every row that will be read */
  constructor(open: OpenRow, size: number) {
    this.#open = open;
    this.size = size;
  }

  /** Valid until another one is asked for. */
  row(logits: Float32Array): LogitRow {
    if (this.#last?.logits === logits) return this.#last.row;
    const row = this.#open(logits, this.size);
    this.#last = { logits, row };
    return row;
  }

  statistics(logits: Float32Array): RowStatistics {
    const known = this.#statistics.get(logits);
    if (known !== undefined) return known;
    const statistics = this.row(logits).statistics();
    this.#statistics.set(logits, statistics);
    return statistics;
  }
}
