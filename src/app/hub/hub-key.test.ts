import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readKeys } from './hub-key.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-key-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function keysOf(content: string, env: Record<string, string> = {}): Promise<string[]> {
  const keyFile = join(folder, 'key');
  await writeFile(keyFile, content);
  return await readKeys({ keyFile, env });
}

describe('the keys of a hub', () => {
  it('are the lines of a file, without comments and white space around them', async () => {
    expect(await keysOf('# one for each device\n alpha \r\n\nbeta\n')).toEqual(['alpha', 'beta']);
  });

  it('are in the variable, where there is no file', async () => {
    expect(await readKeys({ env: { PILOTFISH_HUB_KEY: 'gamma' } })).toEqual(['gamma']);
    expect(await keysOf('alpha', { PILOTFISH_HUB_KEY: 'gamma' })).toEqual(['alpha']);
    expect(await readKeys({ env: { PILOTFISH_HUB_KEY: '' } })).toEqual([]);
    expect(await readKeys({ env: {} })).toEqual([]);
  });

  it.each(['', '\n# nothing\n', 'two words', 'schlüssel', 'x'.repeat(1025), 'line\u0000'])(
    'are refused where a header cannot carry them, and not shown: %j',
    async (content) => {
      const failure = await keysOf(content).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'option-invalid' });
      const said = `${String(failure)} ${JSON.stringify(failure)}`;
      if (content.trim() !== '' && !content.includes('#')) expect(said).not.toContain(content);
    },
  );

  it('are refused in the variable alike', async () => {
    const failure = await readKeys({ env: { PILOTFISH_HUB_KEY: 'a secret' } }).catch(String);
    expect(failure).toContain('PILOTFISH_HUB_KEY');
    expect(failure).not.toContain('a secret');
  });

  it('are missing where the file is', async () => {
    const keyFile = join(folder, 'missing');
    await expect(readKeys({ keyFile, env: {} })).rejects.toMatchObject({ code: 'option-invalid' });
  });
});
