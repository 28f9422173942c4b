/** The rewards of a tree's small steps, from their readings. Pure. */
import { columnsAmong, rewardFeatureSize } from '../../judging/reward-features.ts';
import { type RewardScoring, rewardOfRows, sizesOf } from '../../judging/reward-head.ts';
import type { ReadFeatures, StepReadings } from '../steps/read-steps.ts';

/**
 * @param read the features of the readings, at least those of the head
 * @returns [state] null: there is no small step
 */
export function rewardsOf(
  readings: StepReadings,
  read: ReadFeatures,
  head: RewardScoring,
): readonly (number | null)[] {
  const { features } = head;
  const sizes = sizesOf(head);
  const columns = columnsAmong(features, read, sizes);
  const size = rewardFeatureSize(read, sizes);
  return readings.map((all) => {
    if (all === null) return null;
    const rows = features.tokens === 'last' ? all.subarray(-size) : all;
    const wanted = new Uint16Array((rows.length / size) * columns.length);
    let at = 0;
    for (let row = 0; row < rows.length; row += size) {
      for (const column of columns) wanted[at++] = rows[row + column] as number;
    }
    return rewardOfRows(wanted, head);
  });
}
