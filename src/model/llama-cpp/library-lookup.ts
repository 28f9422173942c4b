/**
 * Finds llama.cpp's shared libraries on this machine: in the folder named by `PILOTFISH_LLAMA_CPP`,
 * or in the npm package for this platform. Pure except for reading directories; it loads nothing.
 */
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PilotfishError } from '../../core/errors.ts';
import { LIBRARY_PACKAGE_VERSION } from './known-builds.ts';

/** The environment variable that names another folder with the libraries. */
export const LIBRARY_FOLDER_VARIABLE = 'PILOTFISH_LLAMA_CPP';

/** Packages to try, best first, by `process.platform`-`process.arch`. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['@node-llama-cpp/linux-x64'],
  'linux-arm64': ['@node-llama-cpp/linux-arm64'],
  'darwin-arm64': ['@node-llama-cpp/mac-arm64-metal'],
  'darwin-x64': ['@node-llama-cpp/mac-x64'],
  'win32-x64': ['@node-llama-cpp/win-x64'],
  'win32-arm64': ['@node-llama-cpp/win-arm64'],
};

export interface LibraryPaths {
  readonly folder: string;
  readonly llama: string;
  readonly ggml: string;
  readonly ggmlBase: string;
}

export interface LookupEnvironment {
  readonly platform: string;
  readonly arch: string;
  readonly folder: string | undefined;
  /** The folder of an installed package, or null. */
  readonly packageFolder: (name: string) => string | null;
}

export function processEnvironment(): LookupEnvironment {
  const require = createRequire(import.meta.url);
  return {
    platform: process.platform,
    arch: process.arch,
    folder: process.env[LIBRARY_FOLDER_VARIABLE],
    packageFolder: (name) => {
      try {
        // The main entry is dist/index.js; the libraries are in bins/ beside dist/.
        return dirname(dirname(require.resolve(name)));
      } catch {
        return null;
      }
    },
  };
}

/** @throws PilotfishError `library-missing` */
export function findLibraries(environment: LookupEnvironment): LibraryPaths {
  if (environment.folder !== undefined && environment.folder !== '') {
    return librariesIn(environment.folder);
  }
  const platform = `${environment.platform}-${environment.arch}`;
  const packages = PACKAGES[platform] ?? [];
  for (const name of packages) {
    const folder = environment.packageFolder(name);
    if (folder !== null) return librariesIn(binaryFolder(folder));
  }
  throw new PilotfishError(
    'library-missing',
    `No llama.cpp library for ${platform} is installed.`,
    {
      remedy:
        packages.length > 0
          ? `Run "npm install ${packages[0]}@${LIBRARY_PACKAGE_VERSION}".`
          : `Set ${LIBRARY_FOLDER_VARIABLE} to a folder that holds its shared libraries.`,
      fields: { platform },
    },
  );
}

function binaryFolder(packageFolder: string): string {
  const bins = join(packageFolder, 'bins');
  const inner = existsSync(bins) ? readdirSync(bins) : [];
  return inner[0] === undefined ? bins : join(bins, inner[0]);
}

/** The file names are `libllama.so`, `libllama.v0.5.0.so`, `libllama.dylib`, `llama.dll`. */
function librariesIn(folder: string): LibraryPaths {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const find = (stem: string): string => {
    const pattern = new RegExp(`^(lib)?${stem}(\\.[\\w.-]*)?\\.(so|dylib|dll)$`);
    const file = files.find((name) => pattern.test(name));
    if (file !== undefined) return join(folder, file);
    throw new PilotfishError('library-missing', `There is no ${stem} library in ${folder}.`, {
      remedy: `Reinstall the package, or correct ${LIBRARY_FOLDER_VARIABLE}.`,
      fields: { folder, library: stem },
    });
  };
  return { folder, llama: find('llama'), ggml: find('ggml'), ggmlBase: find('ggml-base') };
}
