/** A map of bounded size. It drops the least recently used entry to make room for a new one. */
export class RecentEntries<V> {
  readonly #countMax: number;
  readonly #onDropped: (value: V) => void;
  /** The least recently used entry comes first. */
  readonly #entries = new Map<string, V>();

  constructor(countMax: number, onDropped: (value: V) => void = () => {}) {
    this.#countMax = countMax;
    this.#onDropped = onDropped;
  }

  /** Counts as a use. */
  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** The number of entries. */
  get count(): number {
    return this.#entries.size;
  }

  /** Adds a value. It replaces and drops an older value with the same key. */
  add(key: string, value: V): void {
    const same = this.#entries.get(key);
    const [oldest] = same === undefined ? this.#entries : [[key, same] as const];
    if (oldest !== undefined && (same !== undefined || this.#entries.size >= this.#countMax)) {
      this.#entries.delete(oldest[0]);
      this.#onDropped(oldest[1]);
    }
    this.#entries.set(key, value);
  }
}
