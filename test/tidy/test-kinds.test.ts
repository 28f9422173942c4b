/** A test's file name tells what its process must support: see "Tests" in docs/ARCHITECTURE.md. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, type SourceFile, sourceFiles } from './source-files.ts';

/** A crash in native code, or a signal to a child, would affect the other tests of a shared process. */
const NATIVE_PACKAGES: ReadonlySet<string> = new Set(['koffi', 'execa', 'node:child_process']);

const files = new Map(
  ['src', 'test', 'bench', 'scripts', 'pocket']
    .flatMap((folder) => sourceFiles(join(ROOT, folder)))
    .map((file) => [file.path, file]),
);
const tests = [...files.keys()].filter(
  (path) => path.endsWith('.test.ts') && !path.startsWith(join('test', 'real')),
);

/**
 * The path by which the file loads native code: the files in between, and the package; null if never.
 */
function wayToNative(path: string, seen: Set<string> = new Set()): readonly string[] | null {
  seen.add(path);
  for (const next of loadedBy(files.get(path))) {
    if (seen.has(next)) continue;
    const rest = NATIVE_PACKAGES.has(next) ? [next] : wayToNative(next, seen);
    if (rest !== null) return [path, ...rest];
  }
  return null;
}

function loadedBy(file: SourceFile | undefined): readonly string[] {
  return (file?.imports ?? [])
    .filter(({ isOfTypes }) => !isOfTypes)
    .map(({ target, specifier }) => target ?? specifier);
}

describe('the name of a test file', () => {
  it('ends with .native.test.ts where the file loads native code or starts processes', () => {
    const wrong = tests
      .filter((path) => !/\.(native|long)\.test\.ts$/.test(path))
      .flatMap((path) => wayToNative(path)?.join(' > ') ?? []);
    expect(wrong).toEqual([]);
  });

  it('ends with .native.test.ts only there', () => {
    const wrong = tests.filter(
      (path) => path.endsWith('.native.test.ts') && wayToNative(path) === null,
    );
    expect(wrong).toEqual([]);
  });
});
