/** A router's reliability diagram as a picture file. */
import { writeWhole } from '../storage/whole-file.ts';
import { type ReliabilitySeries, reliabilitySpec } from './pictures/reliability-picture.ts';
import { renderPng } from './render-png.ts';
import { renderSvg } from './render-svg.ts';

export interface DrawReliabilityOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly series: readonly ReliabilitySeries[];
  /** Where the PNG is written. */
  readonly path: string;
}

/** @throws PilotfishError `disk-full`, `file-system-failed` */
export async function drawReliability(options: DrawReliabilityOptions): Promise<void> {
  const { title, subtitle, series, path } = options;
  const { svg } = await renderSvg(reliabilitySpec(title, subtitle, series));
  await writeWhole(path, await renderPng(svg), 'choose another folder with --out');
}
