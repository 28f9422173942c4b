/**
 * The native library, loaded once per process after a check of its build. Loading affects the whole
 * process (koffi's settings, llama.cpp's log and back-end registry), so it happens at the first use,
 * never at import.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PilotfishError } from '../../core/errors.ts';
import { bind } from './abi.ts';
import { KNOWN_BUILDS, LIBRARY_PACKAGE_VERSION } from './known-builds.ts';
import { findLibraries, type LibraryPaths, processEnvironment } from './library-lookup.ts';
import type { Abi } from './native-api.ts';

/** Holds the sha256 of a library of another build that the user accepts. */
export const ACCEPTED_BUILD_VARIABLE = 'PILOTFISH_LLAMA_CPP_SHA256';

export function libraryDigest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

export function isKnownBuild(sha256: string): boolean {
  return KNOWN_BUILDS.some((build) => build.sha256 === sha256);
}

/** @throws PilotfishError `library-mismatch` */
export function checkBuild(path: string, accepted: string | undefined): void {
  const sha256 = libraryDigest(path);
  if (isKnownBuild(sha256) || sha256 === accepted) return;
  throw new PilotfishError(
    'library-mismatch',
    `The llama.cpp library ${path} is of an unknown build (sha256 ${sha256}).`,
    {
      remedy:
        `Install version ${LIBRARY_PACKAGE_VERSION} of the @node-llama-cpp package for this ` +
        `platform. If you know that the structures of llama.h are the same in your build, set ` +
        `${ACCEPTED_BUILD_VARIABLE}=${sha256}; if they are not, the process will crash.`,
      fields: { path, sha256 },
    },
  );
}

export interface Library {
  readonly abi: Abi;
  readonly paths: LibraryPaths;
}

let loaded: Library | null = null;

/** @throws PilotfishError `library-missing`, `library-mismatch` */
export function loadLibrary(): Library {
  loaded ??= load();
  return loaded;
}

function load(): Library {
  const paths = findLibraries(processEnvironment());
  checkBuild(paths.llama, process.env[ACCEPTED_BUILD_VARIABLE]);
  const abi = bind(paths);
  abi.setLog(abi.silence, null);
  abi.backendLoadAll(paths.folder);
  abi.backendInit();
  return { abi, paths };
}
