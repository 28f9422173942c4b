import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PilotfishError } from '../../core/errors.ts';
import { LIBRARY_PACKAGE_VERSION } from './known-builds.ts';
import {
  findLibraries,
  LIBRARY_FOLDER_VARIABLE,
  type LookupEnvironment,
  processEnvironment,
} from './library-lookup.ts';

/** The content of the package for each platform, as far as lookup sees it. */
const LINUX = [
  '_nlcBuildMetadata.json',
  'libggml-base.so',
  'libggml-cpu-haswell.so',
  'libggml.v0.5.0.so',
  'libllama-common.so',
  'libllama.v0.5.0.so',
  'llama-addon.node',
];
const MAC = [
  'default.metallib',
  'libggml-base.dylib',
  'libggml-metal.dylib',
  'libggml.dylib',
].concat('libllama.0.dylib', 'llama-addon.node');
const WINDOWS = ['ggml-base.dll', 'ggml-cpu-x64.dll', 'ggml.dll', 'llama.dll', 'llama-addon.node'];

let root = '';

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pilotfish-library-'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function folderOf(name: string, files: readonly string[]): string {
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  for (const file of files) writeFileSync(join(folder, file), '');
  return folder;
}

function environmentOf(changes: Partial<LookupEnvironment>): LookupEnvironment {
  return {
    platform: 'linux',
    arch: 'x64',
    folder: undefined,
    packageFolder: () => null,
    ...changes,
  };
}

function failure(environment: LookupEnvironment): unknown {
  try {
    return findLibraries(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(PilotfishError);
    return error;
  }
}

const LAYOUTS = [
  {
    platform: 'linux',
    arch: 'x64',
    package: '@node-llama-cpp/linux-x64',
    files: LINUX,
    found: ['libllama.v0.5.0.so', 'libggml.v0.5.0.so', 'libggml-base.so'],
  },
  {
    platform: 'linux',
    arch: 'arm64',
    package: '@node-llama-cpp/linux-arm64',
    files: LINUX,
    found: ['libllama.v0.5.0.so', 'libggml.v0.5.0.so', 'libggml-base.so'],
  },
  {
    platform: 'darwin',
    arch: 'arm64',
    package: '@node-llama-cpp/mac-arm64-metal',
    files: MAC,
    found: ['libllama.0.dylib', 'libggml.dylib', 'libggml-base.dylib'],
  },
  {
    platform: 'darwin',
    arch: 'x64',
    package: '@node-llama-cpp/mac-x64',
    files: MAC,
    found: ['libllama.0.dylib', 'libggml.dylib', 'libggml-base.dylib'],
  },
  {
    platform: 'win32',
    arch: 'x64',
    package: '@node-llama-cpp/win-x64',
    files: WINDOWS,
    found: ['llama.dll', 'ggml.dll', 'ggml-base.dll'],
  },
  {
    platform: 'win32',
    arch: 'arm64',
    package: '@node-llama-cpp/win-arm64',
    files: WINDOWS,
    found: ['llama.dll', 'ggml.dll', 'ggml-base.dll'],
  },
];

describe('findLibraries', () => {
  it.each(LAYOUTS)('finds the package for $platform $arch', (layout) => {
    const bins = folderOf(join('package', 'bins', `${layout.platform}-build`), layout.files);
    const asked: string[] = [];
    const found = findLibraries(
      environmentOf({
        platform: layout.platform,
        arch: layout.arch,
        packageFolder: (name) => {
          asked.push(name);
          return join(root, 'package');
        },
      }),
    );
    const [llama, ggml, ggmlBase] = layout.found.map((file) => join(bins, file));
    expect(found).toEqual({ folder: bins, llama, ggml, ggmlBase });
    expect(asked).toEqual([layout.package]);
  });

  it.each(LAYOUTS)('names the package to install for $platform $arch', (layout) => {
    const { platform, arch } = layout;
    expect(failure(environmentOf({ platform, arch }))).toMatchObject({
      code: 'library-missing',
      message: `No llama.cpp library for ${platform}-${arch} is installed.`,
      remedy: `Run "npm install ${layout.package}@${LIBRARY_PACKAGE_VERSION}".`,
      fields: { platform: `${platform}-${arch}` },
    });
  });

  it('names the environment variable on a platform without a package', () => {
    expect(failure(environmentOf({ platform: 'freebsd', arch: 'riscv64' }))).toMatchObject({
      code: 'library-missing',
      remedy: expect.stringContaining(LIBRARY_FOLDER_VARIABLE),
    });
  });

  it('prefers the folder that the user named, on any platform', () => {
    const folder = folderOf('mine', ['libllama.so', 'libggml.so', 'libggml-base.so']);
    const packageFolder = (): never => {
      throw new Error('no package is looked for');
    };
    const found = findLibraries(environmentOf({ platform: 'freebsd', folder, packageFolder }));
    expect(found).toEqual({
      folder,
      llama: join(folder, 'libllama.so'),
      ggml: join(folder, 'libggml.so'),
      ggmlBase: join(folder, 'libggml-base.so'),
    });
  });

  it('treats an empty variable as not set', () => {
    expect(failure(environmentOf({ folder: '' }))).toMatchObject({
      message: 'No llama.cpp library for linux-x64 is installed.',
    });
  });

  it.each([
    ['llama', ['libllama-common.so', 'libggml.so', 'libggml-base.so', 'llama-addon.node']],
    ['ggml', ['libllama.so', 'libggml-base.so', 'libggml-cpu-x64.so', 'libggml.so.bak']],
    ['ggml-base', ['libllama.so', 'libggml.so', 'libggml-base.txt']],
  ])('reports that %s is missing, and accepts no file with a similar name', (stem, files) => {
    const folder = folderOf('incomplete', files);
    expect(failure(environmentOf({ folder }))).toMatchObject({
      code: 'library-missing',
      message: `There is no ${stem} library in ${folder}.`,
      fields: { folder, library: stem },
    });
  });

  it('names the missing folder that it looked in', () => {
    const folder = join(root, 'nowhere');
    expect(failure(environmentOf({ folder }))).toMatchObject({
      code: 'library-missing',
      fields: { folder },
    });
    const packageFolder = (): string => join(root, 'empty-package');
    expect(failure(environmentOf({ packageFolder }))).toMatchObject({
      fields: { folder: join(root, 'empty-package', 'bins') },
    });
  });
});

describe('processEnvironment', () => {
  it('is this machine, and knows no package that is not installed', () => {
    const environment = processEnvironment();
    expect(environment.platform).toBe(process.platform);
    expect(environment.arch).toBe(process.arch);
    expect(environment.packageFolder('@node-llama-cpp/no-such-platform')).toBeNull();
  });
});
