/** Counts the events that really happened: a simulation that never preempts proves nothing about it. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(what: string, count = 1): void {
    this.#counts.set(what, this.count(what) + count);
  }

  count(what: string): number {
    return this.#counts.get(what) ?? 0;
  }

  /** The names with too few events. */
  missing(expected: Readonly<Record<string, number>>): string[] {
    return Object.entries(expected)
      .filter(([what, least]) => this.count(what) < least)
      .map(([what, least]) => `${what}: ${this.count(what)}, not ${least}`);
  }

  toString(): string {
    const lines = [...this.#counts].sort().map(([what, count]) => `${what}: ${count}`);
    return lines.join('\n');
  }
}
