/**
 * The share of drafts that are accepted, learned over the rounds. A rejection ends a round, so the
 * drafts after it are unknown: a round with a of n drafts accepted counts as a successes and, if a <
 * n, one failure. Old evidence fades, because texts change their character.
 */
export class AcceptanceEstimate {
  readonly #prior: number;
  #accepted: number;
  #tried: number;

  /** @param prior the value to start from, worth `priorWeight` observed drafts */
  constructor(prior: number, priorWeight: number) {
    this.#prior = prior;
    this.#accepted = prior * priorWeight;
    this.#tried = priorWeight;
  }

  get value(): number {
    return this.#accepted / this.#tried;
  }

  /**
   * Moves a little towards the prior, once per request. Drafting that was given up is thus tried
   * again in the end, because the traffic may have changed.
   */
  relax(): void {
    this.#accepted += RELAXING * (this.#prior * this.#tried - this.#accepted);
  }

  observe(acceptedCount: number, draftedCount: number): void {
    const tried = acceptedCount < draftedCount ? acceptedCount + 1 : draftedCount;
    const keep = FADING ** tried;
    this.#accepted = this.#accepted * keep + acceptedCount;
    this.#tried = this.#tried * keep + tried;
  }
}

/** The weight that evidence keeps per newer draft: about the last 50 drafts count. */
const FADING = 0.98;
/** The share of the way back to the prior per request. */
const RELAXING = 0.05;
