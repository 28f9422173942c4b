/** The rows of a training, in batches. */

/** A single row at the end joins the batch before it, because one row alone cannot be normalised. */
export function* batchesOf(rows: Int32Array, batchSize: number): Generator<Int32Array> {
  let from = 0;
  while (from < rows.length) {
    const isNearlyAll = rows.length - from <= batchSize + 1;
    const until = isNearlyAll ? rows.length : from + batchSize;
    yield rows.subarray(from, until);
    from = until;
  }
}
