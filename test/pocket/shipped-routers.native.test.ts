/** The bundled routers, on the models that they were trained for. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEngine } from '../../src/app/open-engine.ts';
import { BUNDLED_MODELS } from '../../src/catalog/bundled-models.ts';
import type { TokenEvent } from '../../src/core/events.ts';
import { decodeReward } from '../../src/judging/reward-file.ts';
import { decodeRouter } from '../../src/judging/router-file.ts';
import { METHODS } from '../../src/strategy/methods.ts';
import { uhlmRouterMethod } from '../../src/strategy/uhlm-router.ts';
import { runs } from '../runs.ts';
import { answer, question, testProblems } from './pocket-pair.ts';

const FOLDER = join(import.meta.dirname, '../../heads/pocket');
const BYTES_MAX = 2 * 2 ** 20;
const LEARNED = METHODS.filter(({ head }) => head?.kind === 'router').map(({ name }) => name);
const OBJECTIVES = LEARNED.filter((name) => name !== uhlmRouterMethod.name);
const digestOf = (name: string): string =>
  BUNDLED_MODELS.find((model) => model.name === name)?.sha256 ?? '';

it.each([
  ['pocket', 'pocket-small', ['rsd', 'rsd-large'], 500],
  ['pocket-strong', 'pocket-small-strong', ['rsd', 'rsd-large', 'rsd-separator'], 1200],
] as const)('rewards exist for %s, and are bound to it', async (folder, small, names, count) => {
  for (const name of names) {
    const reward = decodeReward(await readFile(join(FOLDER, '..', folder, `${name}.safetensors`)));
    expect(reward.strategy).toBe(name);
    expect(reward.pair.small.digest).toBe(digestOf(small));
    expect(reward.pair.large.digest).toBe(digestOf('pocket-large'));
    expect([reward.trainedOn.size, reward.separators]).toEqual([count, ['\n\n']]);
    expect(reward.training).toMatchObject({ questions: 'pocket/train', questionSeed: 77 });
    expect(reward.calibration?.points.length).toBeGreaterThan(5);
  }
});

it('exist for every learned strategy, are small, and are bound to the pocket pair', async () => {
  const names = (await readdir(FOLDER)).filter((name) => !/^(rsd|uhlm)/.test(name)).sort();
  expect(names).toEqual(OBJECTIVES.map((name) => `${name}.safetensors`).sort());
  for (const name of names) {
    const path = join(FOLDER, name);
    expect((await stat(path)).size).toBeLessThan(BYTES_MAX);
    const router = decodeRouter(await readFile(path));
    expect(`${router.strategy}.safetensors`).toBe(name);
    expect(router.pair.small.digest).toBe(digestOf('pocket-small'));
    expect(router.pair.large.digest).toBe(digestOf('pocket-large'));
    expect(router.trainedOn.size).toBe(1200);
    expect(router.training).toMatchObject({ questions: 'pocket/train', questionSeed: 77, seed: 1 });
  }
});

it('are found by name, and call about the requested share', async () => {
  await using engine = await openEngine({
    ...{ pair: 'pocket', offline: true, threadCount: 1, strategies: LEARNED },
  });
  for (const name of LEARNED) {
    const tokens: TokenEvent[] = [];
    for (const problem of testProblems(runs(2, 6), 900)) {
      const request = { ...question(problem), strategy: `${name}@15%`, maxTokens: 150 };
      tokens.push(...(await answer(engine, request)).tokens);
    }
    const calls = tokens.filter(({ origin, verified }) => origin === 'large' || verified);
    const share = calls.length / tokens.length;
    expect({ name, isNear: share > 0.04 && share < 0.3 }).toEqual({ name, isNear: true });
  }
});
