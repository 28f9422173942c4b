/**
 * Assembles the WebAssembly text of each kernel into the bytes that the library carries, so that
 * nothing is built at install. A test compares the two.
 *
 *   npm run kernel
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import wabt from 'wabt';

const SOURCE = join(import.meta.dirname, '../src');
const BYTES_PER_LINE = 72;

export interface KernelFiles {
  readonly source: string;
  /** The generated file. */
  readonly bytes: string;
}

export const KERNELS: readonly KernelFiles[] = ['sampling/kernel/row', 'network/kernel/matrix'].map(
  (path) => ({
    source: join(SOURCE, `${path}-kernel.wat`),
    bytes: join(SOURCE, `${path}-kernel-bytes.ts`),
  }),
);

/** @returns the text of the generated file */
export async function assembledSource({ source }: KernelFiles): Promise<string> {
  const name = basename(source);
  const { parseWat } = await wabt();
  const text = readFileSync(source, 'utf8');
  const module = parseWat(name, text, { simd: true, bulk_memory: true });
  module.validate();
  const { buffer } = module.toBinary({});
  module.destroy();
  const lines: string[] = [];
  for (let at = 0; at < buffer.length; at += BYTES_PER_LINE) {
    const part = Buffer.from(buffer.subarray(at, at + BYTES_PER_LINE));
    lines.push(`  '${part.toString('base64')}',`);
  }
  const constant = name.replace('.wat', '-bytes').replaceAll('-', '_').toUpperCase();
  return [
    `/** Assembled from ${name} by \`npm run kernel\`: not to be edited. Base64. */`,
    `export const ${constant}: string = [`,
    ...lines,
    "].join('');",
    '',
  ].join('\n');
}

if (resolve(process.argv[1] ?? '') === import.meta.filename) {
  for (const kernel of KERNELS) writeFileSync(kernel.bytes, await assembledSource(kernel));
}
