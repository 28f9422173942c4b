/** The life of a fit of U-HLM on learned weights: fitted, stored, used; and the fits that are shipped. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate } from '../../src/app/evaluate.ts';
import { fitUhlm } from '../../src/app/fit-uhlm.ts';
import { openEngine } from '../../src/app/open-engine.ts';
import { fittedThreshold } from '../../src/judging/uhlm-fit.ts';
import { decodeUhlmFit } from '../../src/judging/uhlm-fit-file.ts';
import { answer, question, testProblems } from './pocket-pair.ts';

const POCKET = { pair: 'pocket', offline: true, threadCount: 1 } as const;
const FITTED = { task: 'pocket', questionSeed: 3, count: 10, maxTokens: 120, waveSize: 8 } as const;

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'pilotfish-fit-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

it('is fitted, drawn, and gives requests their threshold and their number of tokens', async () => {
  const home = join(base, 'home');
  const folder = join(base, 'fit');
  const { path, picture, fit } = await fitUhlm({ ...POCKET, ...FITTED, home, folder });
  expect(decodeUhlmFit(await readFile(path))).toEqual(fit);
  expect(fit.correlation).toBeGreaterThan(0.7);
  expect(fit.law.slope).toBeGreaterThan(0.5);
  expect([...(await readFile(picture)).subarray(1, 4)]).toEqual([...Buffer.from('PNG')]);
  expect(await readFile(join(folder, 'uhlm-fit.svg'), 'utf8')).toContain('pocket-large');
  const again = await fitUhlm({ ...POCKET, ...FITTED, home, folder });
  expect(again.bytes).toEqual(new Uint8Array(await readFile(path)));

  await using engine = await openEngine({
    ...{ ...POCKET, home, headFiles: [path], strategies: ['uhlm', 'cu-hlm'] },
    uplink: { tokenCount: 'online' },
  });
  const [problem] = testProblems(1);
  const text = question(problem as NonNullable<typeof problem>);
  const asked = { ...text, seed: 4, sampling: { temperature: 1 } };
  const { events, summary } = await answer(engine, { ...asked, strategy: 'uhlm' });
  const [start] = events;
  const thresholds = start?.type === 'start' ? start.thresholds : {};
  expect(thresholds['perturbation']).toBeCloseTo(fittedThreshold(fit, 'averse') ?? -1, 12);
  expect(summary.notes.filter((note) => note.includes('fit'))).toEqual([]);
  expect((await answer(engine, { ...asked, strategy: 'cu-hlm' })).ids.length).toBeGreaterThan(5);
  // The shipped greedy fit serves greedy requests beside the named one, and none serves 0.7.
  const { summary: warm } = await answer(engine, {
    ...asked,
    strategy: 'uhlm',
    sampling: { temperature: 0.7 },
  });
  expect(warm.notes.join()).toContain('at temperature 0.7');
  // Fits are checked against questions where they decide.
  const onSeen = evaluate({
    ...{ ...POCKET, home, headFiles: [path], uplink: { tokenCount: 'online' } },
    ...{ task: 'pocket', split: 'train', questionSeed: 3, count: 2, temperature: 1 },
    ...{ strategies: ['cu-hlm@0.1'], folder: join(base, 'seen') },
  });
  await expect(onSeen).rejects.toMatchObject({ code: 'data-overlap' });
});

describe('shipped fits', () => {
  const shipped = async (folder: string, name: string) =>
    decodeUhlmFit(
      await readFile(join(import.meta.dirname, '../../heads', folder, `${name}.safetensors`)),
    );

  it.each(['pocket', 'pocket-strong'])('of %s skip enough at a small price', async (folder) => {
    const fit = await shipped(folder, 'uhlm');
    expect([fit.temperature, fit.trainedOn.size]).toEqual([1, 1000]);
    expect(fit.training).toMatchObject({ questions: 'pocket/train', questionSeed: 77 });
    // The paper's share, and the bar of this project.
    expect(fit.heldOut?.averse?.skippedShare).toBeGreaterThanOrEqual(0.4593);
    expect(fit.heldOut?.averse?.totalVariation).toBeLessThanOrEqual(5e-4);
    const greedy = await shipped(folder, 'uhlm-greedy');
    expect([greedy.temperature, greedy.offlineTokenCount]).toEqual([0, null]);
  });

  it('are found by the temperature of the request', async () => {
    const fit = await shipped('pocket', 'uhlm');
    await using engine = await openEngine({ ...POCKET, strategies: ['uhlm'] });
    const [problem] = testProblems(1);
    const asked = question(problem as NonNullable<typeof problem>);
    const thresholdAt = async (temperature: number) => {
      const { events } = await answer(engine, {
        ...asked,
        strategy: 'uhlm',
        sampling: { temperature },
      });
      const [start] = events;
      return start?.type === 'start' ? start.thresholds['perturbation'] : null;
    };
    expect(await thresholdAt(1)).toBeCloseTo(fittedThreshold(fit, 'averse') ?? -1, 12);
    const greedy = await shipped('pocket', 'uhlm-greedy');
    expect(await thresholdAt(0)).toBeCloseTo(fittedThreshold(greedy, 'averse') ?? -1, 12);
  });
});
