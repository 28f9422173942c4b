/** Rules about the source that a reader can rely on because this test checks them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importCircles } from './import-circles.ts';
import { ROOMS, USED_BY_CLI } from './rooms.ts';
import { type Import, ROOT, roomOf, SOURCE, type SourceFile, sourceFiles } from './source-files.ts';

const FILE_LINES_MAX = 400;
const TEST_FILE_LINES_MAX = 600;
const LINE_LENGTH_MAX = 110;

const files = sourceFiles(SOURCE);
const production = files.filter((file) => !file.isTest);

/** The imports of the file from other rooms. */
function importsAcross(file: SourceFile): (Import & { readonly room: string })[] {
  return file.imports.flatMap((one) => {
    if (one.target === null) return [];
    const room = roomOf(one.target);
    return room === file.room ? [] : [{ ...one, room }];
  });
}

describe('architecture', () => {
  it('has a room for every file, and a file in every room', () => {
    expect(new Set(files.map((file) => file.room))).toEqual(new Set(ROOMS.keys()));
  });

  it('lets a room import only rooms above it in the list', () => {
    const above = new Set<string>();
    for (const [room, imports] of ROOMS) {
      for (const name of imports) expect(above, `${room} may import ${name}`).toContain(name);
      above.add(room);
    }
  });

  it('imports only what the list allows', () => {
    const wrong = production.flatMap((file) =>
      importsAcross(file)
        .filter(({ room }) => ROOMS.get(file.room)?.includes(room) !== true)
        .map(({ specifier }) => `${file.path} imports ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });

  it('allows only what is imported', () => {
    const used = new Set(
      production.flatMap((file) => importsAcross(file).map(({ room }) => `${file.room} ${room}`)),
    );
    const allowed = [...ROOMS].flatMap(([room, imports]) => imports.map((to) => `${room} ${to}`));
    expect(allowed.filter((pair) => !used.has(pair))).toEqual([]);
  });

  it('limits the command line to use cases, and to types and constants of other rooms', () => {
    const isConstant = (name: string): boolean => /^[A-Z][A-Z0-9_]*$/.test(name);
    const wrong = production
      .filter((file) => file.room === 'cli')
      .flatMap((file) =>
        importsAcross(file)
          .filter(({ room, isOfTypes }) => !isOfTypes && !USED_BY_CLI.includes(room))
          .filter(({ values }) => values.length === 0 || !values.every(isConstant))
          .map(({ specifier, values }) => `${file.path}: ${values.join(', ')} of ${specifier}`),
      );
    expect(wrong).toEqual([]);
  });

  it('exports every use case: every file that lies directly in app/', () => {
    const exported = files
      .filter(({ room }) => room === 'index.ts')
      .flatMap(({ imports }) => imports.flatMap(({ target }) => target ?? []));
    const useCases = production
      .map(({ path }) => path)
      .filter((path) => dirname(path) === join('src', 'app'));
    expect(useCases.length).toBeGreaterThan(0);
    expect(useCases.filter((path) => !exported.includes(path))).toEqual([]);
  });

  it('is described in the documents, room by room in the order of the list', () => {
    const text = readFileSync(join(ROOT, 'docs', 'ARCHITECTURE.md'), 'utf8');
    const rows = [...text.matchAll(/^\| `([\w.-]+)` \|.*\|([^|]*)\|$/gm)];
    expect(rows.map(([, room]) => room)).toEqual([...ROOMS.keys()]);
    const firstFiles = rows.flatMap(([, room = '', cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, file = '']) =>
        join('src', room === 'index.ts' ? '' : room, file),
      ),
    );
    expect(firstFiles.length).toBeGreaterThanOrEqual(rows.length);
    expect(firstFiles.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it('has no import circle, not even of types or inside a room', () => {
    const graph = new Map(
      files.map((file) => [file.path, file.imports.flatMap(({ target }) => target ?? [])]),
    );
    expect(importCircles(graph)).toEqual([]);
  });

  it('keeps the foreign function interface in one file', () => {
    const wrong = production.filter(
      (file) =>
        file.imports.some(({ specifier }) => specifier === 'koffi') &&
        !file.path.endsWith(join('llama-cpp', 'abi.ts')),
    );
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  it('imports files of this project with their extension, and built-ins with node:', () => {
    const wrong = files.flatMap((file) =>
      file.imports
        .filter(({ specifier: name }) =>
          name.startsWith('.') ? !name.endsWith('.ts') : name === 'fs',
        )
        .map(({ specifier }) => `${file.path}: ${specifier}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('style', () => {
  const everything = [...files, ...sourceFiles(join(ROOT, 'test'))];

  it('keeps files and lines short', () => {
    const long = everything.flatMap((file) => {
      const lines = file.text.split('\n');
      const isTest = file.isTest || file.path.startsWith(`test${sep}`);
      const tooMany = lines.length > (isTest ? TEST_FILE_LINES_MAX : FILE_LINES_MAX);
      const wide = lines.findIndex((line) => [...line].length > LINE_LENGTH_MAX);
      return [
        ...(tooMany ? [`${file.path} has ${lines.length} lines`] : []),
        ...(wide >= 0 ? [`${file.path}:${wide + 1} is too wide`] : []),
      ];
    });
    expect(long).toEqual([]);
  });

  it('throws no bare errors in the source', () => {
    const bare = production.filter((file) => /throw new Error\(/.test(file.text));
    expect(bare.map((file) => file.path)).toEqual([]);
  });

  it('describes every source file that is more than data at its beginning', () => {
    const silent = production.filter(
      (file) => file.text.split('\n').length > 40 && !file.text.includes('/**'),
    );
    expect(silent.map((file) => file.path)).toEqual([]);
  });

  it('has no folder for leftovers', () => {
    const names = new Set(files.flatMap((file) => file.path.split(sep)));
    for (const name of ['utils', 'util', 'helpers', 'common', 'misc']) {
      expect(names.has(name), name).toBe(false);
    }
  });
});
