import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../open-engine.ts';
import { namedServer } from './named-servers.ts';
import { withNamedServer } from './reach-elsewhere.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-servers-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function envOf(yaml: string): Promise<Readonly<Record<string, string>>> {
  const path = join(folder, `${Math.random()}.yaml`);
  await writeFile(path, yaml);
  return { PILOTFISH_MODELS: path };
}

const YAML = `models:
  big:
    address: vllm:http://127.0.0.1:1/big
    key_env: TEAM_KEY
    as: pocket-large
    prices: { input: 0.5, output: 1.5, cached_input: 0.05, as_of: 2026-11-30 }
  bare:
    address: "openai:https://api.example/v1#small"
`;

describe('servers with names', () => {
  it('have an address, a key, a model and prices', async () => {
    const env = await envOf(YAML);
    expect(await namedServer('big', env)).toEqual({
      address: 'vllm:http://127.0.0.1:1/big',
      server: { keyEnv: 'TEAM_KEY', as: 'pocket-large' },
      prices: {
        ...{ inputPerMillion: 0.5, outputPerMillion: 1.5, cachedInputPerMillion: 0.05 },
        asOf: '2026-11-30',
      },
    });
    expect(await namedServer('bare', env)).toMatchObject({ server: {}, prices: null });
    expect(await namedServer('other', env)).toBeNull();
  });

  it('count less than the options beside the name', async () => {
    const env = await envOf(YAML);
    const mine = { inputPerMillion: 9, outputPerMillion: 9 };
    const given = { large: 'big', env, server: { as: 'mine' }, prices: { large: mine } };
    expect(await withNamedServer(given)).toMatchObject({
      large: 'vllm:http://127.0.0.1:1/big',
      server: { keyEnv: 'TEAM_KEY', as: 'mine' },
      prices: { large: mine },
    });
  });

  it('are used by an engine', async () => {
    const opened = openEngine({ pair: 'pocket', large: 'bare', env: await envOf(YAML) });
    await expect(opened).rejects.toMatchObject({ message: /server at api\.example/ });
  });

  it.each([
    ['models: [', /is not valid: Flow sequence/],
    ['models:\n  big: {}\n', /models\.big\.address: /],
    ['models:\n  big: { address: "vllm:http://h/m", prices: { input: -1, output: 1 } }\n', /input/],
    ['models:\n  big: { address: "vllm:http://h/m", key: secret }\n', /"key"/],
    [
      'models:\n  big: { address: "vllm:http://h/m", prices: { input: 1, output: 1, as_of: soon } }',
      /as_of/,
    ],
    ['models:\n  big: { address: "http://h/m" }\n', /does not say which engine/],
  ])('are refused with nonsense: %s', async (yaml, message) => {
    const found = namedServer('big', await envOf(yaml));
    await expect(found).rejects.toMatchObject({ code: 'option-invalid', message });
  });
});

it('an option of a server without one is refused', async () => {
  const opened = openEngine({ pair: 'pocket', server: { as: 'pocket-large' } });
  await expect(opened).rejects.toMatchObject({
    message: 'An option of a server is given, and the large model is not given.',
  });
});
