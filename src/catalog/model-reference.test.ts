import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { hubName, parseModelReference } from './model-reference.ts';

function errorOf(name: string): PilotfishError {
  try {
    parseModelReference(name);
  } catch (error) {
    if (error instanceof PilotfishError) return error;
    throw error;
  }
  throw new Error(`${name} was accepted`);
}

describe('parseModelReference', () => {
  it('takes a known name', () => {
    const reference = parseModelReference('smollm2-135m-instruct');
    expect(reference).toMatchObject({ kind: 'known', model: { bytes: 98_362_432 } });
  });

  it('takes a .gguf path, existing or not, and any existing file', () => {
    expect(parseModelReference('no/such/Model.GGUF')).toEqual({
      kind: 'path',
      name: 'no/such/Model.GGUF',
      path: resolve('no/such/Model.GGUF'),
    });
    const folder = mkdtempSync(join(tmpdir(), 'pilotfish-reference-'));
    try {
      const path = join(folder, 'weights.bin');
      writeFileSync(path, '');
      expect(parseModelReference(path).kind).toBe('path');
      expect(errorOf(folder).code).toBe('model-unknown');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('takes a hub file, in folders and at a revision', () => {
    expect(parseModelReference('hub:me/some-repo/q4/model.gguf')).toMatchObject({
      kind: 'hub',
      file: { owner: 'me', repo: 'some-repo', file: 'q4/model.gguf', revision: 'main' },
    });
    expect(parseModelReference('hub:me/some-repo@v1.0/model.gguf')).toMatchObject({
      file: { repo: 'some-repo', file: 'model.gguf', revision: 'v1.0' },
    });
  });

  it('recognises a known model by its hub name, but not at another revision', () => {
    const file = 'Qwen2.5-Coder-0.5B-Instruct-GGUF';
    const name = 'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf';
    expect(parseModelReference(`hub:Qwen/${file}/${name}`).name).toBe(
      'qwen2.5-coder-0.5b-instruct',
    );
    expect(parseModelReference(`hub:Qwen/${file}@abc/${name}`).kind).toBe('hub');
  });

  it.each([
    'hub:',
    'hub:owner',
    'hub:owner/repo',
    'hub:owner/repo/model.bin',
    'hub:owner//model.gguf',
    'hub:../repo/model.gguf',
    'hub:owner/repo/../../model.gguf',
    'hub:owner/repo@/model.gguf',
    'hub:owner/repo@a@b/model.gguf',
    'hub:owner/repo@../model.gguf',
    'hub:owner/repo/.hidden.gguf',
    'hub:owner/repo/a\\b.gguf',
    'hub:owner/repo/model-00001-of-00003.gguf',
  ])('refuses %s', (name) => {
    const error = errorOf(name);
    expect(error.code).toBe('model-unknown');
    expect(error.message).toContain(name);
    expect(error.remedy).not.toBeNull();
  });

  it('suggests the nearest names and the other forms of a reference', () => {
    const error = errorOf('qwen2.5-coder-0.5');
    expect(error.message).toContain('Did you mean qwen2.5-coder-0.5b-instruct');
    expect(error.remedy).toContain('.gguf');
    expect(error.remedy).toContain('hub:OWNER/REPO/FILE.gguf');
    expect(errorOf('smolm2-135').message).toContain('smollm2-135m-instruct');
    expect(errorOf('gpt-4').message).not.toContain('Did you mean');
    expect(errorOf('').message).not.toContain('Did you mean');
  });

  it('reads back every hub name it writes', () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,10}$/);
    fc.assert(
      fc.property(
        segment,
        segment,
        segment,
        fc.array(segment),
        (owner, repo, revision, folders) => {
          const file = [...folders, 'm.gguf'].join('/');
          const name = hubName({ owner, repo, revision, file });
          expect(parseModelReference(name)).toMatchObject({
            file: { owner, repo, revision, file },
          });
        },
      ),
    );
  });
});
