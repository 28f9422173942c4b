/** Documents that a program can check: links have targets, and examples are the ones that run. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/core/errors.ts';
import { METHODS } from '../../src/strategy/methods.ts';

const ROOT = resolve(import.meta.dirname, '../..');

function documents(): string[] {
  const inDocs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(ROOT, 'docs', name));
  return [join(ROOT, 'README.md'), ...inDocs];
}

function links(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .flatMap((match) => match[1] ?? [])
    .filter((link) => !/^[a-z]+:/.test(link));
}

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');

describe('documents', () => {
  it('link to files that exist', () => {
    const broken = documents().flatMap((path) =>
      links(readFileSync(path, 'utf8'))
        .filter((link) => !existsSync(resolve(dirname(path), link)))
        .map((link) => `${relative(ROOT, path)}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  it('show the library example that is compiled and run', () => {
    const example = readFileSync(join(ROOT, 'examples', 'ask.ts'), 'utf8');
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  });

  it('hold no placeholders', () => {
    const left = documents().filter((path) => /^[A-Z]{4,}$/m.test(readFileSync(path, 'utf8')));
    expect(left).toEqual([]);
  });

  it('silence npm where a program reads the output', () => {
    const paths = [...documents(), join(ROOT, 'bench', 'README.md')];
    const lines = paths.flatMap((path) => readFileSync(path, 'utf8').split('\n'));
    const read = lines.filter((line) => /npm (start|run).*( --json( |$)| > )/.test(line));
    expect(read.length).toBeGreaterThan(5);
    expect(read.filter((line) => !line.includes('--silent'))).toEqual([]);
  });

  it('name npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const named = documents().flatMap((path) =>
      [...readFileSync(path, 'utf8').matchAll(/npm run (?:--silent )?([\w:]+(?:-\w+)*)/g)].flatMap(
        (match) => match[1] ?? [],
      ),
    );
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });

  it('name every optional platform package in the lockfile, so that npm ci works everywhere', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
    const entries = Object.entries<{ optionalDependencies?: Record<string, string> }>(packages);
    const missing = entries.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) =>
          packages[`node_modules/${name}`] === undefined &&
          packages[`${path}/node_modules/${name}`] === undefined,
      ),
    );
    expect(missing).toEqual([]);
  });

  it('describe every strategy and every error code', () => {
    const methods = readFileSync(join(ROOT, 'docs', 'METHODS.md'), 'utf8');
    const errors = readFileSync(join(ROOT, 'docs', 'ERRORS.md'), 'utf8');
    for (const { name } of METHODS) expect(methods).toContain(`\`${name}\``);
    for (const code of ERROR_CODES) expect(errors).toContain(`\`${code}\``);
  });
});
