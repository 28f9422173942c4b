/** Result files in, a page and its pictures out: the work behind `pilotfish report`. */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { PilotfishError, throwIfAborted } from '../core/errors.ts';
import type { OnProgress } from '../core/progress.ts';
import type { DrawnPicture, DrawnResult } from './page/page-view.ts';
import { renderPage } from './page/render-page.ts';
import { allPictures, fileNamePart, freeName } from './pictures/all-pictures.ts';
import { renderPng } from './render-png.ts';
import { renderSvg } from './render-svg.ts';
import { parseResult } from './result-format.ts';

/** Examples make results long; a thousand of them stay far below this. */
const RESULT_BYTES_MAX = 256 * 1024 * 1024;
const PAGE_NAME = 'report.html';

export interface WriteReportOptions {
  /** Files of `eval --json`, at least one. */
  readonly paths: readonly string[];
  /** Where to write; absent: beside the first file. Made if it is missing. */
  readonly folder?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: OnProgress;
}

export interface WrittenReport {
  readonly page: string;
  readonly pictures: readonly string[];
}

/**
 * Overwrites what an earlier report left under the same names. Nothing is written before every file
 * has been read and every picture drawn.
 * @throws PilotfishError `result-invalid`, `file-system-failed`, `aborted`
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
      const { svg } = await renderSvg(picture.spec);
      pictures.push({ ...picture, svg });
      pngs.push({ name: `${prefix}${picture.name}.png`, png: await renderPng(svg) });
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
  return fileSystem('read', path, async () => {
    if ((await stat(path)).size > RESULT_BYTES_MAX) throw longResult(path);
    return readFile(path, 'utf8');
  });
}

async function write(
  folder: string,
  page: string,
  pngs: readonly { readonly name: string; readonly png: Uint8Array }[],
): Promise<WrittenReport> {
  await fileSystem('create', folder, () => mkdir(folder, { recursive: true }));
  const pictures: string[] = [];
  for (const { name, png } of pngs) {
    const path = join(folder, name);
    await fileSystem('write', path, () => writeFile(path, png));
    pictures.push(path);
  }
  const pagePath = join(folder, PAGE_NAME);
  await fileSystem('write', pagePath, () => writeFile(pagePath, page));
  return { page: pagePath, pictures };
}

async function fileSystem<T>(action: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (PilotfishError.isInstance(cause)) throw cause;
    const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new PilotfishError('file-system-failed', `Could not ${action} ${path}: ${errno}.`, {
      remedy: 'Check the path and its permissions.',
      fields: { path, errno },
      cause,
    });
  }
}

function longResult(path: string): PilotfishError {
  const megabytes = RESULT_BYTES_MAX / 2 ** 20;
  return new PilotfishError('result-invalid', `${path} exceeds ${megabytes} MiB.`, {
    remedy: 'Evaluate again with fewer examples.',
    fields: { path, byteCountMax: RESULT_BYTES_MAX },
  });
}
