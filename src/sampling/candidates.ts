/**
 * The truncating sampling steps: which tokens may be drawn at all. Order: top-k, top-p, min-p
 * (llama.cpp's); the temperature comes after them and truncates nothing.
 */
import type { SamplingParams } from '../core/sampling-params.ts';
import { expOfNonPositive } from './exponential.ts';
import { argmax } from './row-statistics.ts';

export function truncates(params: SamplingParams): boolean {
  return params.topK > 0 || params.topP < 1 || params.minP > 0;
}

/**
 * The ids that survive the truncating steps, most probable first (ties: lower id first). At least
 * one always does.
 */
export function candidates(logits: Float32Array, size: number, params: SamplingParams): number[] {
  const max = logits[argmax(logits, size)] as number;
  const topK = params.topK > 0 ? Math.min(params.topK, size) : size;
  // min-p is relative to the best token, so it can be applied first without changing the outcome
  // of top-k; top-p looks at the mass before min-p and is computed from that mass below.
  const needed = params.topP < 1 ? null : minPCut(params.minP);
  const sorted = largest(logits, size, topK, max, needed);
  const kept = params.topP < 1 ? topPCount(logits, sorted, params.topP, max) : sorted.length;
  const cut = max + minPCut(params.minP);
  let count = 1;
  while (count < kept && (logits[sorted[count] as number] as number) >= cut) count += 1;
  return sorted.slice(0, count);
}

/** Logits this far below the best (a negative number) are dropped by min-p. */
function minPCut(minP: number): number {
  return minP > 0 ? Math.log(minP) : Number.NEGATIVE_INFINITY;
}

/** How far below the best logit to look for the k largest, widened until there are enough. */
const CUTS: readonly number[] = [-4, -8, -16, Number.NEGATIVE_INFINITY];

function largest(
  logits: Float32Array,
  size: number,
  count: number,
  max: number,
  lowest: number | null,
): number[] {
  for (const cut of CUTS) {
    const last = lowest !== null && lowest >= cut;
    const bound = max + (last ? lowest : cut);
    const ids: number[] = [];
    for (let id = 0; id < size; id += 1) if ((logits[id] as number) >= bound) ids.push(id);
    if (ids.length < count && !last && cut !== Number.NEGATIVE_INFINITY) continue;
    ids.sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b);
    return ids.slice(0, count);
  }
  return [];
}

/** The length of the shortest prefix of `sorted` that holds `topP` of its mass. */
function topPCount(
  logits: Float32Array,
  sorted: readonly number[],
  topP: number,
  max: number,
): number {
  let total = 0;
  for (const id of sorted) total += expOfNonPositive((logits[id] as number) - max);
  let mass = 0;
  let count = 0;
  while (count < sorted.length && mass < topP * total) {
    mass += expOfNonPositive((logits[sorted[count] as number] as number) - max);
    count += 1;
  }
  return Math.max(1, count);
}
