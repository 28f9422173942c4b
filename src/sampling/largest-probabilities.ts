import type { TokenId } from '../core/token-id.ts';

/**
 * The ids of the `count` largest probabilities, largest first (ties: lower id first); fewer if fewer
 * are above `bound`. A heap of `count` ids takes one pass over the vocabulary, O(V log k) at most. (The
 * buckets of candidates.ts are steps of logits; probabilities would need a logarithm each.)
 */
export function largestProbabilities(
  distribution: Float64Array,
  count: number,
  bound: number,
): TokenId[] {
  const before = (a: number, b: number): boolean => {
    const difference = (distribution[a] as number) - (distribution[b] as number);
    return difference === 0 ? a < b : difference > 0;
  };
  const heap: number[] = [];
  let least = bound;
  for (let id = 0; id < distribution.length; id += 1) {
    // Ids only rise, so one that ties with the least probable of a full heap comes after it.
    if ((distribution[id] as number) <= least) continue;
    if (heap.length < count) addLast(heap, id, before);
    else replaceFirst(heap, id, before);
    if (heap.length === count) least = distribution[heap[0] as number] as number;
  }
  heap.sort((a, b) => (before(a, b) ? -1 : 1));
  return heap as TokenId[];
}

/** Whether an id comes before another in the final order. The first of a heap comes after all others. */
type Order = (a: number, b: number) => boolean;

function addLast(heap: number[], id: number, before: Order): void {
  let at = heap.length;
  heap.push(id);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!before(heap[parent] as number, id)) break;
    heap[at] = heap[parent] as number;
    at = parent;
  }
  heap[at] = id;
}

function replaceFirst(heap: number[], id: number, before: Order): void {
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    const other = child + 1;
    const isOther = other < heap.length && before(heap[child] as number, heap[other] as number);
    const last = isOther ? other : child;
    if (!before(id, heap[last] as number)) break;
    heap[at] = heap[last] as number;
    at = last;
  }
  heap[at] = id;
}
