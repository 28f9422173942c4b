/**
 * Assembles src/sampling/kernel/row-kernel.wat into the bytes that the library carries, so that nothing
 * is built at install. A test compares the two.
 *
 *   npm run kernel
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import wabt from 'wabt';

const FOLDER = join(import.meta.dirname, '../src/sampling/kernel');
/** The generated file. */
export const BYTES_FILE: string = join(FOLDER, 'row-kernel-bytes.ts');
const BYTES_PER_LINE = 72;

/** @returns the text of the generated file */
export async function assembledSource(): Promise<string> {
  const { parseWat } = await wabt();
  const text = readFileSync(join(FOLDER, 'row-kernel.wat'), 'utf8');
  const module = parseWat('row-kernel.wat', text, { simd: true, bulk_memory: true });
  module.validate();
  const { buffer } = module.toBinary({});
  module.destroy();
  const lines: string[] = [];
  for (let at = 0; at < buffer.length; at += BYTES_PER_LINE) {
    const part = Buffer.from(buffer.subarray(at, at + BYTES_PER_LINE));
    lines.push(`  '${part.toString('base64')}',`);
  }
  return [
    '/** Assembled from row-kernel.wat by `npm run kernel`: not to be edited. Base64. */',
    'export const ROW_KERNEL_BYTES: string = [',
    ...lines,
    "].join('');",
    '',
  ].join('\n');
}

if (resolve(process.argv[1] ?? '') === import.meta.filename) {
  writeFileSync(BYTES_FILE, await assembledSource());
}
