/**
 * Sets of characters as sorted, disjoint ranges of code points. They never contain surrogates,
 * because no UTF-8 text does.
 */
export interface CodePointRange {
  readonly first: number;
  readonly last: number;
}

export type CodePoints = readonly CodePointRange[];

const CODE_POINT_MAX = 0x10ffff;
const SURROGATE_FIRST = 0xd800;
const SURROGATE_LAST = 0xdfff;

/** Sorted, disjoint, without surrogates. */
export function codePoints(ranges: readonly CodePointRange[]): CodePoints {
  const sorted = ranges.flatMap(withoutSurrogates).sort((a, b) => a.first - b.first);
  const merged: CodePointRange[] = [];
  for (const range of sorted) {
    const previous = merged.at(-1);
    if (previous === undefined || range.first > previous.last + 1) merged.push(range);
    else {
      const last = Math.max(previous.last, range.last);
      merged[merged.length - 1] = { first: previous.first, last };
    }
  }
  return merged;
}

function withoutSurrogates({ first, last }: CodePointRange): CodePointRange[] {
  const below = { first, last: Math.min(last, SURROGATE_FIRST - 1) };
  const above = { first: Math.max(first, SURROGATE_LAST + 1), last };
  return [below, above].filter((range) => range.first <= range.last);
}

/** Every character that is not in the set. */
export function complement(set: CodePoints): CodePoints {
  const gaps: CodePointRange[] = [];
  let next = 0;
  for (const { first, last } of set) {
    if (first > next) gaps.push({ first: next, last: first - 1 });
    next = last + 1;
  }
  if (next <= CODE_POINT_MAX) gaps.push({ first: next, last: CODE_POINT_MAX });
  return codePoints(gaps);
}

export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return codePoints(
    a.flatMap((x) =>
      b
        .map((y) => ({ first: Math.max(x.first, y.first), last: Math.min(x.last, y.last) }))
        .filter((range) => range.first <= range.last),
    ),
  );
}

/** Bytes that may stand at one position of an encoded character. */
export type ByteRange = CodePointRange;

/**
 * The UTF-8 encodings of a set: sequences of byte ranges whose products are disjoint and together are
 * exactly the encodings. [é-ÿ] is one sequence, [C3] [A9-BF].
 */
export function utf8Sequences(set: CodePoints): ByteRange[][] {
  return set.flatMap(({ first, last }) => sequencesOf(first, last));
}

/** The last code points of the encodings of one, two and three bytes. */
const LENGTH_ENDS = [0x7f, 0x7ff, 0xffff] as const;

function sequencesOf(first: number, last: number): ByteRange[][] {
  const cut = LENGTH_ENDS.find((end) => first <= end && last > end) ?? unevenCut(first, last);
  if (cut !== null) return [...sequencesOf(first, cut), ...sequencesOf(cut + 1, last)];
  const low = encoded(first);
  const high = encoded(last);
  return [low.map((byte, index) => ({ first: byte, last: high[index] ?? byte }))];
}

/** The point at which a range must be cut so that each part is a product of byte ranges, or null. */
function unevenCut(first: number, last: number): number | null {
  const continuationCount = encoded(first).length - 1;
  for (let count = 1; count <= continuationCount; count += 1) {
    const low = 2 ** (6 * count) - 1;
    if ((first & ~low) === (last & ~low)) continue;
    if ((first & low) !== 0) return first | low;
    if ((last & low) !== low) return (last & ~low) - 1;
  }
  return null;
}

function encoded(codePoint: number): readonly number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(codePoint))];
}
