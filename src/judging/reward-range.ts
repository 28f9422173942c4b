/** The range of the rewards of drafted steps, and advice where a threshold does not divide it. Pure. */

/** Fewer rewards say too little: most answers of a few steps are accepted, or rejected, as a whole. */
const COUNT_MIN = 6;

export class RewardRange {
  #count = 0;
  #lowest = Number.POSITIVE_INFINITY;
  #highest = Number.NEGATIVE_INFINITY;

  add(reward: number): void {
    this.#count += 1;
    this.#lowest = Math.min(this.#lowest, reward);
    this.#highest = Math.max(this.#highest, reward);
  }

  /**
   * @param delta steps with a reward below it are rejected
   * @returns null where some steps were rejected and some accepted, where rewards are too few, and for a
   *   `delta` of 0 or less, which asks for the small model alone
   */
  advice(delta: number): string | null {
    const [count, lowest, highest] = [this.#count, this.#lowest, this.#highest];
    if (count < COUNT_MIN || delta <= 0 || (lowest < delta && highest >= delta)) return null;
    const what =
      lowest < delta
        ? `all ${count} rewards lie below δ = ${delta}: every step was rejected`
        : `none of ${count} rewards lies below δ = ${delta}: no step was rejected`;
    if (lowest === highest) return `${what}; they are all ${lowest}, so no δ tells them apart`;
    const [from, to] = within(lowest, highest);
    return `${what}; give a δ between ${from} and ${to}`;
  }
}

const DIGITS_MIN = 3;
const DIGITS_MAX = 15;
/** Numbers that are this near to a number of few digits are that number: parts of a unit. */
const ROUNDING = 1e-6;

/** Two numbers of few digits that lie between the lowest and the highest. */
function within(low: number, high: number): [number, number] {
  for (let digits = DIGITS_MIN; digits <= DIGITS_MAX; digits += 1) {
    const unit = 10 ** (Math.floor(Math.log10(high)) + 1 - digits);
    const from = Math.ceil(low / unit - ROUNDING);
    const to = Math.floor(high / unit + ROUNDING);
    const written = (units: number): number => Number((units * unit).toPrecision(digits));
    if (from < to) return [written(from), written(to)];
  }
  return [low, high];
}
