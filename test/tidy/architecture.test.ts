/** Rules about the source that a reader can rely on because a program checks them. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCE = join(ROOT, 'src');

/** What each folder may import, besides itself. Read top to bottom: lower layers come first. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  storage: ['core'],
  network: ['core'],
  sampling: ['core'],
  vocabulary: ['core'],
  grammar: ['core'],
  model: ['core', 'sampling', 'storage', 'vocabulary'],
  'kv-cache': ['core', 'model'],
  session: ['core', 'kv-cache', 'model'],
  accounting: ['core'],
  machines: ['accounting', 'core', 'model', 'sampling', 'storage'],
  judging: ['core', 'network'],
  speculative: ['core', 'sampling', 'session'],
  strategy: ['core', 'judging', 'machines', 'session', 'speculative'],
  engine: [
    'accounting',
    'core',
    'grammar',
    'kv-cache',
    'model',
    'session',
    'strategy',
    'vocabulary',
  ],
  catalog: ['core', 'storage'],
  evaluation: [
    'accounting',
    'core',
    'engine',
    'judging',
    'kv-cache',
    'machines',
    'model',
    'storage',
    'strategy',
  ],
  training: [
    'core',
    'engine',
    'evaluation',
    'judging',
    'kv-cache',
    'model',
    'network',
    'session',
    'storage',
    'strategy',
  ],
  report: ['core', 'evaluation'],
  testing: ['core', 'engine', 'kv-cache', 'model', 'sampling', 'session', 'strategy'],
  app: [
    'accounting',
    'catalog',
    'core',
    'engine',
    'evaluation',
    'judging',
    'kv-cache',
    'machines',
    'model',
    'network',
    'speculative',
    'storage',
    'strategy',
    'training',
  ],
  // The library's face.
  '.': ['accounting', 'app', 'core', 'engine', 'grammar', 'machines', 'model', 'strategy'],
  cli: [
    'app',
    'accounting',
    'catalog',
    'core',
    'engine',
    'evaluation',
    'grammar',
    'machines',
    'model',
    'report',
    'storage',
    'strategy',
    'training',
    'vocabulary',
  ],
};

const FILE_LINES_MAX = 400;
const TEST_FILE_LINES_MAX = 600;
const LINE_LENGTH_MAX = 110;

interface SourceFile {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly isTest: boolean;
}

function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name);
      return {
        path,
        folder: name.includes(sep) ? (name.split(sep)[0] ?? '.') : '.',
        text: readFileSync(path, 'utf8'),
        // `fakes` folders hold what only tests use.
        isTest: name.endsWith('.test.ts') || name.includes(`${sep}fakes${sep}`),
      };
    });
}

function importsOf(file: SourceFile): string[] {
  const pattern = /(?:from|import)\s*\(?\s*'([^']+)'/g;
  return [...file.text.matchAll(pattern)].flatMap((match) => match[1] ?? []);
}

function targetFolder(file: SourceFile, specifier: string): string {
  const target = relative(SOURCE, resolve(dirname(file.path), specifier));
  return target.includes(sep) ? (target.split(sep)[0] ?? '.') : '.';
}

const files = sourceFiles(SOURCE);
const production = files.filter((file) => !file.isTest);

describe('architecture', () => {
  it('knows every folder', () => {
    const unknown = files.filter((file) => MAY_IMPORT[file.folder] === undefined);
    expect(unknown.map((file) => file.path)).toEqual([]);
  });

  it('imports in one direction', () => {
    const wrong = production.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => targetFolder(file, specifier))
        .filter((target) => target !== file.folder && !MAY_IMPORT[file.folder]?.includes(target))
        .map((target) => `${relative(ROOT, file.path)} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no cycle among the folders that may import each other', () => {
    const visit = (folder: string, path: readonly string[]): void => {
      expect(path, `cycle ${[...path, folder].join(' -> ')}`).not.toContain(folder);
      for (const next of MAY_IMPORT[folder] ?? []) visit(next, [...path, folder]);
    };
    for (const folder of Object.keys(MAY_IMPORT)) visit(folder, []);
  });

  it('keeps the foreign function interface in one file', () => {
    const wrong = production.filter(
      (file) =>
        importsOf(file).includes('koffi') && !file.path.endsWith(join('llama-cpp', 'abi.ts')),
    );
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it('imports files of this project with their extension, and built-ins with node:', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((name) => (name.startsWith('.') ? !name.endsWith('.ts') : name === 'fs'))
        .map((name) => `${relative(ROOT, file.path)}: ${name}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('style', () => {
  const everything = [...files, ...sourceFiles(join(ROOT, 'test'))];

  it('keeps files and lines short', () => {
    const long = everything.flatMap((file) => {
      const lines = file.text.split('\n');
      const isTest = file.isTest || file.path.startsWith(join(ROOT, 'test'));
      const tooMany = lines.length > (isTest ? TEST_FILE_LINES_MAX : FILE_LINES_MAX);
      const wide = lines.findIndex((line) => [...line].length > LINE_LENGTH_MAX);
      return [
        ...(tooMany ? [`${relative(ROOT, file.path)} has ${lines.length} lines`] : []),
        ...(wide >= 0 ? [`${relative(ROOT, file.path)}:${wide + 1} is too wide`] : []),
      ];
    });
    expect(long).toEqual([]);
  });

  it('throws no bare errors in the source', () => {
    const bare = production.filter((file) => /throw new Error\(/.test(file.text));
    expect(bare.map((file) => file.path)).toEqual([]);
  });

  it('begins every source file that is more than data with what it is', () => {
    const silent = production.filter(
      (file) => file.text.split('\n').length > 40 && !file.text.includes('/**'),
    );
    expect(silent.map((file) => file.path)).toEqual([]);
  });

  it('has no folder for leftovers', () => {
    const names = new Set(files.flatMap((file) => relative(SOURCE, file.path).split(sep)));
    for (const name of ['utils', 'util', 'helpers', 'common', 'misc']) {
      expect(names.has(name), name).toBe(false);
    }
  });
});
