/** A report on the native library for `doctor`, in which problems are results instead of exceptions. */
import { readFileSync } from 'node:fs';
import { PilotfishError } from '../../core/errors.ts';
import { LIBRARY_PACKAGE_VERSION } from './known-builds.ts';
import { isKnownBuild, libraryDigest, loadLibrary } from './library.ts';
import { findLibraries, processEnvironment } from './library-lookup.ts';

export interface LibraryReport {
  readonly path: string | null;
  readonly version: string | null;
  readonly knownBuild: boolean;
  /** The instruction sets that the chosen CPU back-end was built for, according to its file name. */
  readonly cpuVariant: string | null;
  readonly problem: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
  } | null;
}

export async function inspectLibrary(): Promise<LibraryReport> {
  let path: string | null = null;
  let knownBuild = false;
  try {
    path = findLibraries(processEnvironment()).llama;
    knownBuild = isKnownBuild(libraryDigest(path));
    const { abi } = loadLibrary();
    return {
      path,
      knownBuild,
      version: `${abi.version()} (@node-llama-cpp ${LIBRARY_PACKAGE_VERSION})`,
      cpuVariant: cpuVariant(),
      problem: null,
    };
  } catch (error) {
    if (!PilotfishError.isInstance(error)) throw error;
    const { code, message, remedy } = error;
    const problem = { code, message, remedy: remedy ?? '' };
    return { path, version: null, knownBuild, cpuVariant: null, problem };
  }
}

/** Linux lists the mapped libraries. On other systems the variant is unknown. */
function cpuVariant(): string | null {
  try {
    return /ggml-cpu-(\w+)\.so/.exec(readFileSync('/proc/self/maps', 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}
