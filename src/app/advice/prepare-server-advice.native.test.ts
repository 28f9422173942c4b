import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadModel } from '../../model/llama-cpp/model.ts';
import { FakeVllm } from '../../remote/fakes/fake-vllm.ts';
import { writeRandomModel } from '../../testing/random-model.ts';
import { advise } from '../advise.ts';
import { keptServerCosts } from '../elsewhere/kept-server-costs.ts';
import { reachServer } from '../elsewhere/reach-server.ts';

let home: string;
let small: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-home-'));
  small = join(home, 'tiny.gguf');
  await writeRandomModel(small, { seed: 9, contextLength: 1024 });
});
afterAll(() => rm(home, { recursive: true, force: true }));

it('measures a server, advises on what works with it, and keeps the costs', async () => {
  await using model = await loadModel(small);
  const { vocabulary } = model;
  const next = (prefix: readonly number[]): number[] =>
    Array.from({ length: vocabulary.size }, (_, id) => (id === 5 + (prefix.length % 7) ? 1 : 0));
  await using server = new FakeVllm({ vocabulary, next, contextLength: 1024 });
  const large = `vllm:${await server.listen()}`;
  const options = { small, large, home, env: {}, threadCount: 1, isBusy: () => true };
  const labels = new Set<string>();
  const onProgress = ({ label }: { readonly label: string }) => labels.add(label);
  const report = await advise({ ...options, share: 0.2, onProgress });
  expect(report.server).toMatchObject({ engine: 'vllm', model: 'fake', version: '0.32.0' });
  expect(report.server?.costs.model.decode.map(({ rowCount }) => rowCount)).toEqual([
    1, 2, 3, 5, 9,
  ]);
  expect(report.unavailable).toEqual(expect.arrayContaining(['rsd-judge', 'rsd-large-agreement']));
  const [{ place, strategies }] = report.places;
  expect([place, report.places.length]).toEqual(['remote', 1]);
  expect(strategies.find(({ name }) => name === 'margin')?.faces.time.ratio).toBeGreaterThan(0);
  // Only the acceptance was left open.
  expect(report.statistics?.shares).toEqual({});
  expect([...labels]).toContain('Measuring fake on its server');
  const [kept = '', ...others] = (await readdir(join(home, 'profiles'))).filter((name) =>
    name.startsWith('server-'),
  );
  expect(others).toEqual([]);
  expect(await readFile(join(home, 'profiles', kept), 'utf8')).not.toContain('127.0.0.1');
  const reached = await reachServer(large, {}, options);
  await reached.close();
  const costs = await keptServerCosts(reached.facts, options);
  expect(costs?.stream?.tokenMs).toBe(report.server?.costs.model.decode[0]?.ms);
  expect(await keptServerCosts({ ...reached.facts, digest: '0'.repeat(64) }, options)).toBeNull();
});

it('refuses a round trip, which is measured', async () => {
  const asked = advise({ small, large: 'vllm:http://127.0.0.1:1/m', home, roundTripMs: 5 });
  await expect(asked).rejects.toMatchObject({
    code: 'option-invalid',
    message: expect.stringContaining('--round-trip is given'),
  });
});

it('refuses an option of a server where the large model is none', async () => {
  const asked = advise({ small, large: small, home, server: { as: 'tiny' } });
  await expect(asked).rejects.toMatchObject({ code: 'option-invalid' });
});
