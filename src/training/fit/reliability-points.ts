/** A reliability diagram as a head's file holds it. */
import type { ReliabilityPoint } from '../../judging/head.ts';
import type { Reliability } from '../../network/reliability.ts';

export function reliabilityPoints({ bins }: Reliability): readonly ReliabilityPoint[] {
  return bins.flatMap(({ meanPredicted, observedShare, rowCount }) =>
    meanPredicted === null || observedShare === null
      ? []
      : [{ predicted: meanPredicted, observed: observedShare, count: rowCount }],
  );
}
