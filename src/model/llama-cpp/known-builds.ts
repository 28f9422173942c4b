/**
 * The llama.cpp builds whose structure layouts `abi.ts` describes. Structures are passed by value, so
 * a library of another build would read the wrong fields. Builds are recognised by digest, because
 * version strings do not tell them apart.
 */
export interface KnownBuild {
  readonly platform: string;
  readonly package: string;
  readonly sha256: string;
}

/** The version of the npm packages that `abi.ts` was written against. */
export const LIBRARY_PACKAGE_VERSION = '3.22.1';

export const KNOWN_BUILDS: readonly KnownBuild[] = [
  {
    platform: 'linux-x64',
    package: '@node-llama-cpp/linux-x64',
    sha256: '2ecd1d85f68456573a664106a9039366b88231579fd65d9669c9a6ab41374fd4',
  },
  {
    platform: 'linux-arm64',
    package: '@node-llama-cpp/linux-arm64',
    sha256: 'ba559136061c8ca89df13d86937fa4214100583fb4d734ab2a6ebe2a149be993',
  },
];
