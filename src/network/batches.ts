/** Rows in batches. */

/** A single row at the end goes with the batch before it: nothing can be normalised over one row. */
export function* batchesOf(rows: Int32Array, batchSize: number): Generator<Int32Array> {
  let from = 0;
  while (from < rows.length) {
    const isNearlyAll = rows.length - from <= batchSize + 1;
    const until = isNearlyAll ? rows.length : from + batchSize;
    yield rows.subarray(from, until);
    from = until;
  }
}
