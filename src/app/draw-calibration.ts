/** A calibrated router's reliability diagram as a picture file. */
import { drawPicture } from '../report/draw-picture.ts';
import { type ReliabilitySeries, reliabilitySpec } from '../report/pictures/reliability-picture.ts';
import { writeWhole } from '../storage/whole-file.ts';
import type { Calibrated } from './calibrate.ts';

/**
 * Draws how the router's scores compare with held-out labels, and with the agreement of both models.
 * @param path the PNG file to write
 * @throws PilotfishError `disk-full`, `file-system-failed`
 */
export async function drawCalibration(calibrated: Calibrated, path: string): Promise<void> {
  const { title, subtitle, series } = reliabilityDiagram(calibrated);
  const { png } = await drawPicture(reliabilitySpec(title, subtitle, series));
  await writeWhole(path, png, 'choose another folder with --out');
}

interface ReliabilityDiagram {
  readonly title: string;
  readonly subtitle: string;
  readonly series: readonly ReliabilitySeries[];
}

export function reliabilityDiagram({
  kind,
  head,
  agreement,
  calibration,
}: Pick<Calibrated, 'kind' | 'head' | 'agreement' | 'calibration'>): ReliabilityDiagram {
  const [name, subject] =
    kind === 'router' ? ['both models agree', 'agreement'] : ['steps do no harm', 'steps'];
  const series: ReliabilitySeries[] = [
    { name: 'held-out labels', points: head.reliability },
    {
      name,
      points: agreement.bins.flatMap(({ meanPredicted, observedShare, rowCount }) =>
        meanPredicted === null || observedShare === null
          ? []
          : [{ predicted: meanPredicted, observed: observedShare, count: rowCount }],
      ),
    },
  ];
  const { small, large } = head.pair;
  const subtitle = `${small.name} → ${large.name}; ${subject} on ${calibration.on}`;
  return { title: `What scores of ${head.strategy} mean`, subtitle, series };
}
