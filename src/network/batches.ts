/**
 * The rows of a training, in batches. Rows of one unit (the tokens of a step) stay in one batch, side by
 * side, so a batch may be larger than wanted by part of a unit.
 */

/** A single row at the end joins the batch before it, because one row alone cannot be normalised. */
export function* batchesOf(
  rows: Int32Array,
  batchSize: number,
  units?: Int32Array,
): Generator<Int32Array> {
  let from = 0;
  while (from < rows.length) {
    const end = from + batchSize;
    const cut = end < rows.length ? unitEnd(rows, end, units) : rows.length;
    const until = rows.length - cut === 1 ? rows.length : cut;
    yield rows.subarray(from, until);
    from = until;
  }
}

/** The most rows that a batch has. */
export function largestBatch(
  batchSize: number,
  sides: readonly Int32Array[],
  units?: Int32Array,
): number {
  const longest = Math.max(...sides.map((rows) => longestUnit(rows, units)));
  return batchSize + longest;
}

/** The rows with their units in another order; the rows of a unit keep theirs. */
export function shuffledUnits(
  rows: Int32Array,
  units: Int32Array | undefined,
  shuffle: (numbers: Int32Array) => Int32Array,
): Int32Array {
  if (units === undefined) return shuffle(rows);
  const starts: number[] = [];
  for (let at = 0; at < rows.length; at = unitEnd(rows, at + 1, units)) starts.push(at);
  const order = new Int32Array(rows.length);
  let done = 0;
  for (const start of shuffle(Int32Array.from(starts))) {
    const unit = rows.subarray(start, unitEnd(rows, start + 1, units));
    order.set(unit, done);
    done += unit.length;
  }
  return order;
}

/** The first place from `at` on where no unit is cut. */
function unitEnd(rows: Int32Array, at: number, units: Int32Array | undefined): number {
  if (units === undefined) return at;
  let end = at;
  const unitOf = (place: number): number | undefined => units[rows[place] as number];
  while (end < rows.length && unitOf(end) === unitOf(end - 1)) end += 1;
  return end;
}

function longestUnit(rows: Int32Array, units: Int32Array | undefined): number {
  let longest = 1;
  for (let at = 0; at < rows.length; ) {
    const end = unitEnd(rows, at + 1, units);
    longest = Math.max(longest, end - at);
    at = end;
  }
  return longest;
}
