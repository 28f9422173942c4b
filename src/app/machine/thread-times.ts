/** The times of single steps by number of threads that a profile holds. */
import {
  isOf,
  type MeasuredModel,
  type MeasuredProfile,
  type MeasuredThreads,
} from '../../machines/machine-profile.ts';

/**
 * The time of one step with each number of threads that was tried for the model; empty if the profile
 * has none.
 */
export function threadTimes(
  { threads }: MeasuredProfile,
  { model: name, weightBytes }: MeasuredModel,
): MeasuredThreads['measured'] {
  return threads.find((other) => isOf(other, { name, weightBytes }))?.measured ?? [];
}
