/** Slices: questions that were chosen once and for all, so that results of different days compare. */

export interface Slice {
  readonly task: string;
  readonly split: string;
  /** In the order in which they are asked; every beginning of a known slice is a random sample, too. */
  readonly ids: readonly string[];
}

/** A known slice as it is kept: each id is the prefix and a number. */
export interface DrawnSlice extends Omit<Slice, 'ids'> {
  readonly prefix: string;
  readonly numbers: readonly number[];
}
