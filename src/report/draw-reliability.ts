/** A router's reliability diagram as a picture file. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PilotfishError } from '../core/errors.ts';
import { type ReliabilitySeries, reliabilitySpec } from './pictures/reliability-picture.ts';
import { renderPng } from './render-png.ts';
import { renderSvg } from './render-svg.ts';

export interface DrawReliabilityOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly series: readonly ReliabilitySeries[];
  /** Of the PNG. */
  readonly path: string;
}

/** @throws PilotfishError `file-system-failed` */
export async function drawReliability(options: DrawReliabilityOptions): Promise<void> {
  const { title, subtitle, series, path } = options;
  const { svg } = await renderSvg(reliabilitySpec(title, subtitle, series));
  const png = await renderPng(svg);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, png);
  } catch (cause) {
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new PilotfishError('file-system-failed', `Could not write ${path}: ${errno}.`, {
      remedy: 'Choose another folder with --out.',
      fields: { path, errno },
      cause,
    });
  }
}
