/** The files of this project in the form that the rules need: text, room, imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

export const ROOT: string = resolve(import.meta.dirname, '../..');
export const SOURCE: string = join(ROOT, 'src');

export interface SourceFile {
  /** Below the project's folder. */
  readonly path: string;
  /** The folder of `src/` that the file is in. For a file beside those folders, the file's name. */
  readonly room: string;
  readonly text: string;
  /** Whether only tests use it: a test itself, or a file in a folder `fakes`. */
  readonly isTest: boolean;
  readonly imports: readonly Import[];
}

export interface Import {
  /** The specifier as written. */
  readonly specifier: string;
  /** The names that are imported other than as types; empty for a whole module. */
  readonly values: readonly string[];
  /** True if all that is imported are types. */
  readonly isOfTypes: boolean;
  /** The path of the imported file below the project's folder; null for a package. */
  readonly target: string | null;
}

/** Every TypeScript file in the folder. @param folder an absolute path */
export function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name);
      const text = readFileSync(path, 'utf8');
      return {
        path: relative(ROOT, path),
        room: roomOf(path),
        text,
        isTest: name.endsWith('.test.ts') || name.includes(`${sep}fakes${sep}`),
        imports: importsOf(text, dirname(path)),
      };
    });
}

/** @param path absolute, or below the project's folder */
export function roomOf(path: string): string {
  return relative(SOURCE, resolve(ROOT, path)).split(sep)[0] ?? '';
}

const STATEMENT = /^(import|export)( type)?\s*(\{[^}]*\}|\*[^']*|\w+)?\s*(?:from )?'([^']+)'/gm;
const CALL = /\bimport\('([^']+)'\)/g;

function importsOf(text: string, folder: string): Import[] {
  const statements = [...text.matchAll(STATEMENT)].map(([, , type, names = '', specifier = '']) => {
    const listed = names.startsWith('{') ? names.slice(1, -1).split(',') : [];
    const values = type === undefined ? listed.map((name) => name.trim()).filter(isValue) : [];
    const isOfTypes = type !== undefined || (listed.length > 0 && values.length === 0);
    return { specifier, values, isOfTypes };
  });
  const calls = [...text.matchAll(CALL)].map(([, specifier = '']) => {
    return { specifier, values: [], isOfTypes: false };
  });
  return [...statements, ...calls].map((found) => {
    const { specifier } = found;
    const target = specifier.startsWith('.') ? relative(ROOT, resolve(folder, specifier)) : null;
    return { ...found, target };
  });
}

function isValue(name: string): boolean {
  return name !== '' && !name.startsWith('type ');
}
