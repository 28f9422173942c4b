/** The rewards of the steps that a strategy has judged in all requests: whether its threshold decides. */

/** Fewer rewards on one side say nothing. */
const COUNT_MIN = 20;

export class RewardTally {
  readonly #delta: number;
  #count = 0;
  #lowest = Number.POSITIVE_INFINITY;
  #highest = Number.NEGATIVE_INFINITY;

  constructor(delta: number) {
    this.#delta = delta;
  }

  add(reward: number): void {
    this.#count += 1;
    this.#lowest = Math.min(this.#lowest, reward);
    this.#highest = Math.max(this.#highest, reward);
  }

  /** Advice where all rewards lie on one side of the threshold, and some might lie on the other. */
  oneSided(): string | null {
    if (this.#count < COUNT_MIN || this.#delta <= 0) return null;
    const range = `${this.#lowest.toPrecision(2)} to ${this.#highest.toPrecision(2)}`;
    const all = `all ${this.#count} rewards so far, ${range},`;
    if (this.#highest < this.#delta) {
      return `${all} are below δ ${this.#delta}: every draft was in vain; give a lower δ, or use large`;
    }
    if (this.#lowest < this.#delta) return null;
    return `${all} reach δ ${this.#delta}: nothing is corrected; give a higher δ, or use small`;
  }
}
