/**
 * The cost of a forward of one model on one machine, as the predictor, re-costing and advice ask for
 * it. The answer is either measured (measured-costs.ts) or derived from a data sheet (roofline.ts).
 */

export interface ForwardShape {
  readonly rowCount: number;
  /** The number of rows, counted from the end, that go through the output head. */
  readonly outputRowCount: number;
  /** The tokens of the sequence that are in the cache before this forward. */
  readonly cachedTokenCount: number;
}

/** The values that are computed of an output row beside its best token. */
export type RowReading = 'logprob' | 'uncertainty' | 'draw';

export interface ForwardCosts {
  /** Native compute time, including the search for the best token of every output row. */
  forwardMs(shape: ForwardShape): number;
  /** The overhead of this program around a forward: queue, event loop, events. */
  readonly overheadMs: number;
  /** Additional milliseconds per output row for each value that is read beside the best token. */
  readonly readingMs: Readonly<Record<RowReading, number>>;
}

/** The time of a forward with its overhead and the reading of its rows. */
export function fullForwardMs(
  costs: ForwardCosts,
  shape: ForwardShape,
  readings: readonly RowReading[] = [],
): number {
  const rowMs = shape.outputRowCount * readingMs(costs, readings);
  return costs.forwardMs(shape) + costs.overheadMs + rowMs;
}

/** Log-probability and entropy come from the same sums over the row, so both cost as much as one. */
function readingMs({ readingMs: ms }: ForwardCosts, readings: readonly RowReading[]): number {
  const has = (reading: RowReading): number => (readings.includes(reading) ? ms[reading] : 0);
  return has('draw') + Math.max(has('logprob'), has('uncertainty'));
}

/** The shape of a forward whose rows all have outputs, as in decoding and verifying. */
export function decodeShape(rowCount: number, cachedTokenCount: number): ForwardShape {
  return { rowCount, outputRowCount: rowCount, cachedTokenCount };
}
