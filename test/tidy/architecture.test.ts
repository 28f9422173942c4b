/** Rules about the source that a reader can rely on because a program checks them. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCE = join(ROOT, 'src');

/** What each folder may import, besides itself. Read top to bottom: lower layers come first. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  network: ['core'],
  sampling: ['core'],
  vocabulary: ['core'],
  model: ['core', 'sampling', 'vocabulary'],
  grammar: ['core'],
  'kv-cache': ['core', 'model'],
  cost: ['core', 'model', 'sampling'],
  routing: ['core', 'network'],
  speculative: ['core', 'kv-cache', 'sampling'],
  strategy: ['core', 'cost', 'kv-cache', 'routing', 'speculative'],
  engine: ['core', 'cost', 'grammar', 'kv-cache', 'model', 'strategy', 'vocabulary'],
  catalog: ['core'],
  evaluation: ['core', 'cost', 'engine', 'kv-cache', 'model', 'routing', 'strategy'],
  training: ['core', 'evaluation', 'kv-cache', 'model', 'network', 'routing', 'strategy'],
  report: ['core', 'evaluation'],
  testing: ['core', 'engine', 'kv-cache', 'model', 'sampling', 'strategy'],
  // The composition root: open-engine.ts and index.ts.
  '.': [
    'catalog',
    'core',
    'cost',
    'engine',
    'evaluation',
    'grammar',
    'kv-cache',
    'model',
    'network',
    'routing',
    'speculative',
    'strategy',
    'training',
  ],
  cli: [
    '.',
    'catalog',
    'core',
    'cost',
    'engine',
    'evaluation',
    'grammar',
    'model',
    'report',
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
