/**
 * The log-partitions of a row at all perturbed temperatures from one pass over it, because a pass for
 * each costs more than a step of a small model. The pass counts entries by their depth below the
 * largest one; each temperature then sums over the buckets, each entry at the middle of its bucket. An
 * entry moves by at most 1/1024 of its depth (and 2^-16 nats). That changes a sum by at most 1.2 %, if
 * all that matters lies on one side of the middles; on rows of models by 2e-4.
 */
import { PERTURBED_TEMPERATURES } from '../../core/perturbed-temperatures.ts';
import { DEPTH_COUNT, depthOf, type RowKernel } from './row-kernel.ts';

/** For each temperature e^(-depth/θ) of each bucket; all that is deeper adds nothing. */
let tables: readonly Float64Array[] | null = null;
/** The buckets that hold entries: at most one in five, on rows of models. */
const held = new Int32Array(DEPTH_COUNT);

/** @param max of the loaded row, finite */
export function kernelLogPartitions(kernel: RowKernel, max: number): Float64Array {
  const counts = kernel.countDepths(max);
  tables ??= Array.from(PERTURBED_TEMPERATURES, tableOf);
  let heldCount = 0;
  for (let bucket = 0; bucket < DEPTH_COUNT - 1; bucket += 1) {
    if (counts[bucket] !== 0) held[heldCount++] = bucket;
  }
  return Float64Array.from(tables, (table) => {
    let sum = 0;
    for (let index = 0; index < heldCount; index += 1) {
      const bucket = held[index] as number;
      sum += (counts[bucket] as number) * (table[bucket] as number);
    }
    return Math.log(sum);
  });
}

function tableOf(temperature: number): Float64Array {
  return Float64Array.from({ length: DEPTH_COUNT - 1 }, (_, bucket) =>
    Math.exp(-depthOf(bucket) / temperature),
  );
}
