/** Schemes of the pocket pair over computed and emulated links. No test measures a time. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeResult } from '../report/fakes/evaluation-result.ts';
import { drawLinkMap } from './draw-link-map.ts';
import { type MeasureLinkOptions, measureLink } from './measure-link.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilotfish-link-'));
});

afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const options = (changes: Partial<MeasureLinkOptions> = {}): MeasureLinkOptions => ({
  ...{ pair: 'pocket', home, threadCount: 1, tokenCount: 40, temperature: 1, seed: 3, keep: 0.975 },
  ...{ roundTripMs: 20, upRate: 1e6, downRate: 1e6, over: 'none', fullTokenCount: 5 },
  schemes: 'small,large,hlm:distribution,hlm:ids,uhlm,cu-hlm',
  ...changes,
});

describe('schemes over a computed link', () => {
  it('have the tokens, messages and times that their exchange gives', async () => {
    const measured = await measureLink(options());
    const { schemes, map, emulation, title } = measured;
    expect(title).toBe('pocket-small → pocket-large, temperature 1');
    expect(emulation).toBeNull();
    const [small, large, full, ids, uhlm, cu] = schemes;
    expect(schemes.map(({ tokenCount }) => tokenCount)).toEqual([40, 40, 40, 40, 40, 40]);
    expect(schemes.map(({ upBytes }) => upBytes === null)).toEqual([
      ...[true, false, false, false, false, false],
    ]);
    expect(small?.transmittedShare).toBe(0);
    // One message an answer.
    expect(large?.transmittedShare).toBeLessThan(0.3);
    expect([full?.transmittedShare, ids?.transmittedShare]).toEqual([1, 1]);
    expect(uhlm?.transmittedShare).toBeLessThan(0.9);
    // Each message of `hlm` waits a round trip.
    expect(ids?.time.linkMs).toBeGreaterThan(20);
    expect(full?.time.linkMs).toBeGreaterThan(ids?.time.linkMs ?? 0);
    expect(small?.time.linkMs).toBe(0);
    expect(cu?.upBytes).toBeLessThan(uhlm?.upBytes ?? 0);
    for (const { name, isOnMap, time, tokensPerSecond } of schemes) {
      expect(tokensPerSecond).toBeCloseTo(1000 / time.ms, 9);
      const here = map?.cells.find((cell) => cell.roundTripMs === 20 && cell.rate === 1e6);
      expect(here?.speeds[name]).toEqual(isOnMap ? tokensPerSecond : undefined);
    }
    // The device alone is only compared with.
    expect(Object.keys(map?.cells[0]?.speeds ?? {})).not.toContain('small');
    const path = join(home, 'map.svg');
    await drawLinkMap(measured, path);
    expect(await readFile(path, 'utf8')).toContain('<svg');
  });

  it('on a radio channel are slower in fades, equally for equal seeds', async () => {
    const radio = { bandwidthHz: 1e6, snrDb: 0, coherenceMs: null, seed: 1 };
    const times = async (coherenceMs: number | null) => {
      const asked = options({ schemes: 'hlm:distribution', radio: { ...radio, coherenceMs } });
      return (await measureLink(asked)).schemes[0]?.time.linkMs ?? 0;
    };
    const steady = await times(null);
    // 2,433 bytes at 1 Mbit/s up, 94 down, and the round trip.
    expect(steady).toBeCloseTo(20 + (8 * (2367 + 2 * 66 + 94)) / 1000, 0);
    expect(await times(5)).toBeGreaterThan(steady);
  });

  it('compute as on the machines of profiles', async () => {
    const schemes = 'small,large,hlm:ids';
    const machines = { deviceProfile: 'laptop-cpu', hubProfile: 'rtx-4090' };
    const measured = await measureLink(options({ schemes, ...machines }));
    const { schemes: there } = measured;
    expect(measured.machines).toBe('device on laptop-cpu (predicted), hub on rtx-4090 (predicted)');
    const [small, large, ids] = there;
    // A forward takes at least its launch: 0.1 ms on that device, 0.3 ms on that hub.
    expect(small?.time.deviceMs).toBeGreaterThan(0.1);
    expect(large?.time.hubMs).toBeGreaterThan(0.3);
    expect(ids?.time.deviceMs).toBeLessThan(0.4);
    expect(ids?.time.hubMs).toBeLessThan(0.8);
    const unknown = measureLink(options({ hubProfile: 'nowhere' }));
    await expect(unknown).rejects.toMatchObject({ code: 'profile-unknown' });
  });

  it('that lose accuracy in an evaluation are not on the map', async () => {
    const model = (name: string) => ({ name, digest: 'a'.repeat(64) });
    const models = { small: model('pocket-small'), large: model('pocket-large') };
    const result = { ...fakeResult(), models, temperature: 1 };
    const [small, large] = result.results;
    const points = [
      { ...(large ?? expect.fail('large')), accuracy: 0.8 },
      { ...(small ?? expect.fail('small')), accuracy: 0.4 },
      { ...(large ?? expect.fail('large')), strategy: 'uhlm', threshold: 0.08, accuracy: 0.79 },
      { ...(large ?? expect.fail('large')), strategy: 'cu-hlm', threshold: 0.08, accuracy: 0.7 },
    ];
    const accuracies = join(home, 'result.json');
    await writeFile(accuracies, JSON.stringify({ ...result, results: points }));
    const schemes = 'small,large,uhlm@0.08,cu-hlm@0.08,uhlm,random-uhlm:ids';
    const measured = await measureLink(options({ accuracies, schemes, tokenCount: 10 }));
    const onMap = measured.schemes.filter(({ isOnMap }) => isOnMap).map(({ name }) => name);
    expect(onMap).toEqual(['large', 'uhlm@0.08']);
    expect(measured.schemes.map(({ keptAccuracy }) => keptAccuracy)).toEqual([
      ...[0.5, 1, 0.79 / 0.8, 0.7 / 0.8, null, null],
    ]);
    const none = await measureLink(
      options({ accuracies, schemes: 'small,cu-hlm@0.08', tokenCount: 10 }),
    );
    expect(none.map).toBeNull();
  });
});

describe('schemes over an emulated link', () => {
  it('are not measured by their first tokens', async () => {
    const asked = { schemes: 'hlm:ids', over: 'relay', tokenCount: 1 } as const;
    const { schemes, emulation } = await measureLink(options({ ...asked, roundTripMs: 1 }));
    expect([schemes[0]?.tokenCount, schemes[0]?.emulated]).toEqual([1, null]);
    expect(emulation).not.toBeNull();
  });

  it('send the same bytes as computed, and wait at least for the link', async () => {
    const link = { roundTripMs: 8, upRate: 1e7, downRate: 1e7 };
    const { schemes, emulation } = await measureLink(
      options({
        schemes: 'small,hlm:distribution,hlm:ids,uhlm-pd@0.1:ids:ahead,large',
        over: 'relay',
        ...link,
      }),
    );
    expect(emulation).toBe('a relay within one process shapes the link');
    const [small, full, ids, ahead, large] = schemes;
    expect(small?.emulated).toBeNull();
    expect([full, ids].map((one) => one?.emulated?.onInterface)).toEqual([null, null]);
    // One answer, of which the first token is left out.
    expect([full?.emulated?.tokenCount, ids?.emulated?.tokenCount]).toEqual([4, 39]);
    expect(ahead?.emulated?.transmittedShare).toBeLessThan(1);
    for (const scheme of [full, ids]) {
      expect(scheme?.emulated?.transmittedShare).toBe(1);
      expect(scheme?.emulated?.upBytes).toBe(scheme?.upBytes);
      expect(scheme?.emulated?.downBytes).toBe(scheme?.downBytes);
      expect(scheme?.emulated?.time.linkMs).toBeGreaterThan(scheme?.time.linkMs ?? 0);
    }
    // A stream: its tokens wait for no round trip.
    expect(large?.emulated?.transmittedShare).toBeLessThan(0.3);
    expect(large?.emulated?.downBytes).toBe(large?.downBytes);
    expect(large?.emulated?.time.linkMs).toBeLessThan(8);
  });
});
