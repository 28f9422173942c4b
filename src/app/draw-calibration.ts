/** A calibrated router's reliability diagram as a picture file. */
import { type DrawReliabilityOptions, drawReliability } from '../report/draw-reliability.ts';
import type { ReliabilitySeries } from '../report/pictures/reliability-picture.ts';
import type { Calibrated } from './calibrate.ts';

/**
 * Draws what the scores were trained to say, and how they go with what both models agree on.
 * @param path the PNG file to write
 * @throws PilotfishError `file-system-failed`
 */
export async function drawCalibration(calibrated: Calibrated, path: string): Promise<void> {
  await drawReliability({ ...reliabilityDiagram(calibrated), path });
}

export function reliabilityDiagram({
  router,
  agreement,
  calibration,
}: Pick<Calibrated, 'router' | 'agreement' | 'calibration'>): Omit<DrawReliabilityOptions, 'path'> {
  const series: ReliabilitySeries[] = [
    { name: 'held-out labels', points: router.reliability },
    {
      name: 'both models agree',
      points: agreement.bins.flatMap(({ meanPredicted, observedShare, rowCount }) =>
        meanPredicted === null || observedShare === null
          ? []
          : [{ predicted: meanPredicted, observed: observedShare, count: rowCount }],
      ),
    },
  ];
  const { small, large } = router.pair;
  const subtitle = `${small.name} → ${large.name}; agreement on ${calibration.on}`;
  return { title: `What scores of ${router.strategy} mean`, subtitle, series };
}
