/** Slices: fixed sets of questions, so that results of different days are comparable. */

export interface Slice {
  readonly task: string;
  readonly split: string;
  /** In the order in which they are asked; every prefix of a known slice is a random sample too. */
  readonly ids: readonly string[];
}

/** The stored form of a known slice: each id is the prefix and a number. */
export interface DrawnSlice extends Omit<Slice, 'ids'> {
  readonly prefix: string;
  readonly numbers: readonly number[];
}
