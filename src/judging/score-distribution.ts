/**
 * The scores that a gate gave to many tokens or answers, and the thresholds that part them. Equal scores
 * stay on one side of every threshold, so shares between those two cannot be had. Pure.
 */
import type { DeferralSide } from './gate.ts';

/** The fewest and most significant digits of a threshold: users read and type it. */
const THRESHOLD_DIGITS = 4;
const THRESHOLD_DIGITS_MAX = 17;

/** A threshold, and the share of the scores, by weight, that it defers to the large model. */
export interface ShareCut {
  readonly threshold: number;
  readonly share: number;
}

export class ScoreDistribution {
  readonly #side: DeferralSide;
  /** [count] the different scores, those that defer first come first; negated for the side `above`. */
  readonly #keys: Float64Array;
  /** [count + 1] the weight of the scores before each place. */
  readonly #before: Float64Array;

  /** @param weights one for each score; default: all weigh the same */
  constructor(scores: readonly number[], side: DeferralSide, weights?: readonly number[]) {
    this.#side = side;
    const weightOf = new Map<number, number>();
    for (const [index, score] of scores.entries()) {
      const key = this.#keyOf(score);
      weightOf.set(key, (weightOf.get(key) ?? 0) + (weights?.[index] ?? 1));
    }
    this.#keys = Float64Array.from(weightOf.keys()).sort();
    this.#before = new Float64Array(this.#keys.length + 1);
    for (const [at, key] of this.#keys.entries()) {
      this.#before[at + 1] = this.#weightBefore(at) + (weightOf.get(key) ?? 0);
    }
  }

  /** The share of the scores, by weight, that the threshold defers; 0 without scores. */
  deferredShare(threshold: number): number {
    const key = this.#keyOf(threshold);
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#key(middle) < key) low = middle + 1;
      else high = middle;
    }
    return this.#shareBefore(low);
  }

  /** The threshold whose share is nearest to the wanted one. There is at least one score. */
  cutFor(share: number): ShareCut {
    const count = this.#countFor(share * this.#weightBefore(this.#keys.length));
    const inside = count === 0 ? this.#key(0) - 1 : this.#key(count - 1);
    const outside = count === this.#keys.length ? inside + 1 : this.#key(count);
    return { threshold: this.#between(inside, outside), share: this.#shareBefore(count) };
  }

  /** The count of leading keys whose weight is nearest: a key counts if half of it is wanted. */
  #countFor(wanted: number): number {
    let [low, high] = [0, this.#keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#weightBefore(middle) + this.#weightBefore(middle + 1) <= 2 * wanted)
        low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The threshold that defers the key `inside` and not the next, `outside`: their middle, in the fewest
   * digits that still part them.
   */
  #between(inside: number, outside: number): number {
    const middle = (inside + outside) / 2;
    // Between neighbouring numbers there is none.
    const key = middle > inside ? middle : outside;
    for (let digits = THRESHOLD_DIGITS; digits < THRESHOLD_DIGITS_MAX; digits += 1) {
      const shorter = Number(key.toPrecision(digits));
      if (shorter > inside && shorter <= outside) return this.#keyOf(shorter);
    }
    return this.#keyOf(key);
  }

  /** The key of a score or threshold, and the other way round. */
  #keyOf(value: number): number {
    return this.#side === 'above' ? 0 - value : value;
  }

  #key(at: number): number {
    return this.#keys[at] ?? 0;
  }

  #weightBefore(at: number): number {
    return this.#before[at] ?? 0;
  }

  #shareBefore(at: number): number {
    const total = this.#weightBefore(this.#keys.length);
    return total === 0 ? 0 : this.#weightBefore(at) / total;
  }
}
