/**
 * The share of drafts that get accepted, learned as rounds go by. Rejection ends a round, so what
 * lies behind it is unknown: a round with a accepted of n drafts is a successes and, if a < n, one
 * failure. Old evidence fades, because texts change their character.
 */
export class AcceptanceEstimate {
  #accepted: number;
  #tried: number;

  /** @param prior the value to start from, worth `priorWeight` observed drafts */
  constructor(prior: number, priorWeight: number) {
    this.#accepted = prior * priorWeight;
    this.#tried = priorWeight;
  }

  get value(): number {
    return this.#accepted / this.#tried;
  }

  observe(acceptedCount: number, draftedCount: number): void {
    const tried = acceptedCount < draftedCount ? acceptedCount + 1 : draftedCount;
    const keep = FADING ** tried;
    this.#accepted = this.#accepted * keep + acceptedCount;
    this.#tried = this.#tried * keep + tried;
  }
}

/** Weight that evidence keeps per newer draft: about the last 50 drafts count. */
const FADING = 0.98;
