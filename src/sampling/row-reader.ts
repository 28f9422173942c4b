/**
 * Reads several rows of logits (as the model gives them, masked, adjusted) alternately. Opening a row
 * ends the previous one, so each change of row opens it again. If all rows are the same, it is opened
 * once.
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
  /** Each takes a pass over its row, so it is computed once. */
  readonly #statistics = new Map<Float32Array, RowStatistics>();
  #last: Opened | null = null;

  /** @param size of every row that will be read */
  constructor(open: OpenRow, size: number) {
    this.#open = open;
    this.size = size;
  }

  /** Valid until another row is requested. */
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
