/** Turns result files into a page and its pictures: the work behind `pilotfish report`. */
import { basename, dirname, extname, join } from 'node:path';
import { throwIfAborted } from '../core/errors.ts';
import type { Progressing } from '../core/progress.ts';
import { drawPicture } from '../report/draw-picture.ts';
import type { DrawnPicture, DrawnResult } from '../report/page/page-view.ts';
import { renderPage } from '../report/page/render-page.ts';
import { allPictures, fileNamePart, freeName } from '../report/pictures/all-pictures.ts';
import { writeWhole } from '../storage/whole-file.ts';
import { readResult } from './results/read-result.ts';

const PAGE_NAME = 'report.html';
const OTHERWISE = 'choose another folder with --out';

export interface WriteReportOptions extends Progressing {
  /** Files of `eval --json`, at least one. */
  readonly paths: readonly string[];
  /** The folder to write to. It is created if it is missing. Default: the folder of the first file. */
  readonly folder?: string | undefined;
}

export interface WrittenReport {
  readonly page: string;
  readonly pictures: readonly string[];
}

/**
 * Draws evaluations as a page and its pictures. It overwrites files of an earlier report that have the
 * same names, and writes nothing before it has read every file and drawn every picture.
 *
 * @throws PilotfishError `result-invalid`, `disk-full`, `file-system-failed`, `aborted`
 *
 * @example
 * const { page } = await writeReport({ paths: ['evaluations/pocket/result.json'] });
 */
export async function writeReport(options: WriteReportOptions): Promise<WrittenReport> {
  const { paths, signal, onProgress } = options;
  const results = await Promise.all(
    paths.map(async (path) => ({ path, result: await readResult(path) })),
  );
  const drawn: DrawnResult[] = [];
  const pngs: { readonly name: string; readonly png: Uint8Array }[] = [];
  const planned = results.map(({ result }) => allPictures(result));
  const total = planned.flat().length;
  const taken = new Set<string>();
  for (const [place, { path, result }] of results.entries()) {
    const prefix = results.length === 1 ? '' : `${freeName(stemOf(path), taken)}-`;
    const pictures: DrawnPicture[] = [];
    for (const picture of planned[place] ?? []) {
      throwIfAborted(signal);
      onProgress?.({ label: 'Drawing', done: pngs.length, total, unit: 'steps' });
      const { svg, png } = await drawPicture(picture.spec);
      pictures.push({ ...picture, svg });
      pngs.push({ name: `${prefix}${picture.name}.png`, png });
    }
    drawn.push({ source: basename(path), result, pictures });
  }
  const folder = options.folder ?? dirname(paths[0] ?? '.');
  return write(folder, renderPage(drawn), pngs);
}

function stemOf(path: string): string {
  return fileNamePart(basename(path, extname(path)));
}

async function write(
  folder: string,
  page: string,
  pngs: readonly { readonly name: string; readonly png: Uint8Array }[],
): Promise<WrittenReport> {
  const pictures: string[] = [];
  for (const { name, png } of pngs) {
    const path = join(folder, name);
    await writeWhole(path, png, OTHERWISE);
    pictures.push(path);
  }
  const pagePath = join(folder, PAGE_NAME);
  await writeWhole(pagePath, page, OTHERWISE);
  return { page: pagePath, pictures };
}
