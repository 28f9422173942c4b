/** Turns result files into a page and its pictures: the work behind `pilotfish report`. */
import { basename, dirname, extname, join } from 'node:path';
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { Progressing } from '../core/progress.ts';
import { drawPicture } from '../report/draw-picture.ts';
import type { DrawnPicture, DrawnResult } from '../report/page/page-view.ts';
import { renderPage } from '../report/page/render-page.ts';
import { allPictures, fileNamePart, freeName } from '../report/pictures/all-pictures.ts';
import { parseResult } from '../report/result-format.ts';
import { readGiven, writeWhole } from '../storage/whole-file.ts';

/** Examples make results long. A thousand of them stay far below this limit. */
const RESULT_BYTES_MAX = 256 * 1024 * 1024;
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
    paths.map(async (path) => ({ path, result: parseResult(await readResult(path), path) })),
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

async function readResult(path: string): Promise<string> {
  const tooLarge = (): PilotfishError => longResult(path);
  const bytes = await readGiven({ path, byteCountMax: RESULT_BYTES_MAX, tooLarge });
  return bytes.toString('utf8');
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

function longResult(path: string): PilotfishError {
  const megabytes = RESULT_BYTES_MAX / 2 ** 20;
  return new PilotfishError('result-invalid', `${path} exceeds ${megabytes} MiB.`, {
    remedy: 'Evaluate again with fewer examples.',
    fields: { path, byteCountMax: RESULT_BYTES_MAX },
  });
}
