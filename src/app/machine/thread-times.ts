/** A profile's times of single steps by number of threads. */
import {
  isOf,
  type MeasuredModel,
  type MeasuredProfile,
  type MeasuredThreads,
} from '../../machines/machine-profile.ts';

/**
 * How long one step took with each number of threads that was tried for the model; empty where the
 * profile does not say.
 */
export function threadTimes(
  { threads }: MeasuredProfile,
  { model: name, weightBytes }: MeasuredModel,
): MeasuredThreads['measured'] {
  return threads.find((other) => isOf(other, { name, weightBytes }))?.measured ?? [];
}
