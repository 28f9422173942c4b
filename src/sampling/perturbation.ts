/**
 * Temperature perturbation, the uncertainty of U-HLM (arXiv 2412.12687): how likely a token is to be
 * drawn again at other temperatures θ ~ U(0, 2]. For that, a row needs ln Σ e^((z - max z)/θ) at each
 * temperature. Pure.
 */
import { PERTURBED_TEMPERATURES } from '../core/perturbed-temperatures.ts';

/** Edges per nat below the largest logit. */
const EDGES_PER_NAT = 128;
/** At the highest temperature, 152,000 entries this far down add 1e-9 of the largest one. */
const DEPTH = 64;
/** Terms this many temperatures below the largest one are lost in a sum of doubles. */
const TEMPERATURES_DEEP = 40;
const EDGE_COUNT = EDGES_PER_NAT * DEPTH + 1;

const weights = new Float64Array(EDGE_COUNT);

/**
 * Takes one pass over the row, because K passes would cost more than a step of a small model. Each
 * entry is shared between the two edges around it, which interpolates e^(-depth/θ) linearly: at most
 * 0.3 % too much at the lowest temperature, 1e-4 from 0.28 on. Each temperature then sums over edges.
 * @param max the largest of the first `size` logits, finite
 * @returns [PERTURBATION_COUNT] natural logarithms, at least 0
 */
export function logPartitions(logits: Float32Array, size: number, max: number): Float64Array {
  weights.fill(0);
  let deepest = 0;
  for (let id = 0; id < size; id += 1) {
    const place = (max - (logits[id] as number)) * EDGES_PER_NAT;
    if (!(place < EDGE_COUNT - 1)) continue;
    const edge = place | 0;
    const part = place - edge;
    weights[edge] = (weights[edge] as number) + 1 - part;
    weights[edge + 1] = (weights[edge + 1] as number) + part;
    if (edge > deepest) deepest = edge;
  }
  return PERTURBED_TEMPERATURES.map((temperature) => Math.log(sumOver(deepest + 1, temperature)));
}

/** Σ weight · e^(-edge/θ), by Horner's rule. */
function sumOver(deepest: number, temperature: number): number {
  const ratio = Math.exp(-1 / (EDGES_PER_NAT * temperature));
  const last = Math.min(deepest, Math.ceil(TEMPERATURES_DEEP * temperature * EDGES_PER_NAT));
  let sum = 0;
  for (let edge = last; edge >= 0; edge -= 1) sum = sum * ratio + (weights[edge] as number);
  return sum;
}

/** The same by K passes over the row: what `logPartitions` approximates. */
export function exactLogPartitions(logits: Float32Array, size: number, max: number): Float64Array {
  return PERTURBED_TEMPERATURES.map((temperature) => {
    let sum = 0;
    for (let id = 0; id < size; id += 1)
      sum += Math.exp(((logits[id] as number) - max) / temperature);
    return Math.log(sum);
  });
}
