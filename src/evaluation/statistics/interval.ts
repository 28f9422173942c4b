/** Intervals that hold 95 % unless they say otherwise. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % point of the standard normal distribution. */
export const NORMAL_975 = 1.959963984540054;
