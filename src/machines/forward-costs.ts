/**
 * What a forward of one model costs on one machine: the question that the predictor, re-costing and
 * advice ask, whether the answer was measured (measured-costs.ts) or follows from a data sheet
 * (roofline.ts).
 */

export interface ForwardShape {
  readonly rowCount: number;
  /** How many of the rows, the last ones, go through the output head. */
  readonly outputRowCount: number;
  /** Tokens of the sequence that are in the cache before this forward. */
  readonly cachedTokenCount: number;
}

/** What is computed of an output row beside its best token. */
export type RowReading = 'logprob' | 'uncertainty' | 'draw';

export interface ForwardCosts {
  /** Native compute time, taking the best token of every output row included. */
  forwardMs(shape: ForwardShape): number;
  /** What this program adds around a forward: queue, event loop, events. */
  readonly overheadMs: number;
  /** Milliseconds more per output row, for each thing that is read beside the best token. */
  readonly readingMs: Readonly<Record<RowReading, number>>;
}

/** A forward, everything around it included. */
export function fullForwardMs(
  costs: ForwardCosts,
  shape: ForwardShape,
  readings: readonly RowReading[] = [],
): number {
  const rowMs = shape.outputRowCount * readingMs(costs, readings);
  return costs.forwardMs(shape) + costs.overheadMs + rowMs;
}

/** Log-probability and entropy come from the same sums over the row: both cost what one does. */
function readingMs({ readingMs: ms }: ForwardCosts, readings: readonly RowReading[]): number {
  const has = (reading: RowReading): number => (readings.includes(reading) ? ms[reading] : 0);
  return has('draw') + Math.max(has('logprob'), has('uncertainty'));
}

/** A forward whose rows all have outputs: decoding, verifying. */
export function decodeShape(rowCount: number, cachedTokenCount: number): ForwardShape {
  return { rowCount, outputRowCount: rowCount, cachedTokenCount };
}
