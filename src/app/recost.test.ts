import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROFILE, TIMED } from '../machines/fakes/timed-profile.ts';
import { profileStore } from './machine/local-profile.ts';
import { recost } from './recost.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-recost-'));
  const large = { ...TIMED, model: 'huge', weightBytes: 5000, decode: [{ rowCount: 1, ms: 40 }] };
  const readingMs = { logprob: 0, uncertainty: 3, draw: 0 };
  await profileStore({ home }).save({ ...PROFILE, models: [{ ...TIMED, readingMs }, large] });
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const counts = { body: 1000, outputHead: 100 };
const start = (strategy: string, changes: object = {}) => ({
  type: 'start',
  models: { small: 'timed', large: 'huge' },
  parameterCounts: { small: counts, large: counts },
  weightBytes: { small: 1000, large: 5000 },
  strategy,
  sampling: { temperature: 0 },
  promptTokenCount: 1,
  prefillChunkRowCount: 4,
  ...changes,
});
const work = (model: string) => ({
  ...{ type: 'work', model, purpose: model === 'small' ? 'draft' : 'correct', rowCounts: [1] },
  ...{ outputRowCount: 1, computeMs: 7 },
});
const token = { type: 'token', origin: 'small', verified: false, logprob: null };
const summary = { type: 'summary', elapsedMs: 99, firstTokenMs: 9 };

const logOf = (...lines: readonly object[]): string =>
  lines.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('recost', () => {
  it('sums the times of a run, and compares them with the large model alone there', async () => {
    const log = logOf(
      start('random'),
      work('small'),
      token,
      work('small'),
      work('large'),
      token,
      summary,
    );
    const { runs, isCut, roundTripMs } = await recost({ log, profile: 'box', home });
    expect(runs).toMatchObject([
      { strategy: 'random', tokenCount: 2, ms: 60, largeAloneMs: 80, recordedMs: 99 },
    ]);
    expect([isCut, roundTripMs]).toEqual([false, 0]);
  });

  it('knows from their methods which runs read entropies', async () => {
    const run = (strategy: string) => logOf(start(strategy), work('small'), token);
    const log = ['entropy', 'margin', 'random', 'unheard-of'].map(run).join('');
    const { runs } = await recost({ log, profile: 'box', home });
    expect(runs.map(({ ms }) => ms)).toEqual([13, 13, 10, 10]);
  });

  it('prefers the given round trip to that of the profile', async () => {
    const large = { ...TIMED, model: 'huge', weightBytes: 5000 };
    await profileStore({ home }).save({
      ...PROFILE,
      name: 'far',
      roundTripMs: 30,
      models: [TIMED, large],
    });
    const log = logOf(start('random'), work('small'), work('large'), token);
    const networkMs = async (given?: number): Promise<number | undefined> => {
      const trip = given === undefined ? {} : { roundTripMs: given };
      return (await recost({ log, profile: 'far', home, ...trip })).runs[0]?.networkMs;
    };
    expect([await networkMs(), await networkMs(5), await networkMs(0)]).toEqual([30, 5, 0]);
  });

  it('predicts for machines without a measurement', async () => {
    const log = logOf(start('large'), work('large'), token, summary);
    const { profile, runs } = await recost({ log, profile: 'h100-sxm', home });
    expect(profile.kind).toBe('predicted');
    // The forward of a tiny model takes the time of a launch.
    expect(runs[0]?.ms).toBeCloseTo(0.3, 3);
  });

  it("predicts the time of reading the cache from the models' facts in the log", async () => {
    const run = (changes: object) => logOf(start('large', changes), work('large'), token, summary);
    const at = async (changes: object) =>
      await recost({ log: run(changes), profile: 'h100-sxm', home });
    // A gigabyte a token: 3.35 TB/s, of which forwards reach 0.6.
    const kvBytesPerToken = { small: 1, large: 1e9 };
    const { runs, isWithoutCache } = await at({ kvBytesPerToken });
    expect(runs[0]?.ms).toBeCloseTo(0.3 + 1000 / 3350 / 0.6, 3);
    expect(isWithoutCache).toBe(false);
    expect(await at({})).toMatchObject({ isWithoutCache: true });
    const measured = await recost({ log: run({}), profile: 'box', home });
    expect(measured).toMatchObject({ isWithoutCache: false });
  });

  it('needs the costs of models that worked, not of a model that is only compared with', async () => {
    const unknown = { models: { small: 'timed', large: 'unknown' } };
    const alone = logOf(start('small', unknown), work('small'), token);
    const { runs } = await recost({ log: alone, profile: 'box', home });
    expect(runs[0]).toMatchObject({ ms: 10, largeAloneMs: null });
    const both = logOf(start('random', unknown), work('small'), work('large'), token);
    await expect(recost({ log: both, profile: 'box', home })).rejects.toMatchObject({
      code: 'profile-incomplete',
      message: 'The profile box has costs of timed, huge, not of unknown.',
    });
    const otherFile = logOf(start('small', { weightBytes: { small: 1, large: 1 } }), work('small'));
    await expect(recost({ log: otherFile, profile: 'box', home })).rejects.toMatchObject({
      code: 'profile-incomplete',
    });
  });

  it('re-costs the lines of a log that ends early', async () => {
    const log = `${logOf(start('random'), work('small'), token)}{"type":`;
    expect(await recost({ log, profile: 'box', home })).toMatchObject({
      isCut: true,
      runs: [{ ms: 10, tokenCount: 1, recordedMs: null }],
    });
  });
});
