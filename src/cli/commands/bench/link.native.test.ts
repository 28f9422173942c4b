import { describe, expect, it } from 'vitest';
import { type RecordedIoOptions, recordedIo } from '../../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../../test/cli/scripted-engine.ts';
import type { MeasuredLink, MeasureLinkOptions, SchemeSpeed } from '../../../app/measure-link.ts';
import { linkMap } from '../../../channel/link-map.ts';
import { runCli } from '../../run-cli.ts';

const SCHEME: SchemeSpeed = {
  ...{ name: 'hlm:distribution', tokenCount: 10, transmittedShare: 1, upBytes: 607_778 },
  ...{ downBytes: 29, tokensPerSecond: 0.19, keptAccuracy: null, isOnMap: true },
  time: { deviceMs: 25, hubMs: 40, linkMs: 5104.7, ms: 5169.7 },
  emulated: {
    ...{ tokenCount: 9, transmittedShare: 1, upBytes: 607_778, downBytes: 29 },
    time: { deviceMs: 26, hubMs: 41, linkMs: 5110.1, ms: 5177.1 },
    onInterface: {
      up: { bytes: 640_100, packets: 428, messageBytes: 607_778, predictedBytes: 636_026 },
      down: { bytes: 14_000, packets: 211, messageBytes: 29, predictedBytes: 13_955 },
    },
  },
};

const SMALL: SchemeSpeed = {
  ...{ ...SCHEME, name: 'small', transmittedShare: 0, upBytes: null, downBytes: null },
  time: { deviceMs: 22.7, hubMs: 0, linkMs: 0, ms: 22.7 },
  emulated: null,
};

const MEASURED: MeasuredLink = {
  ...{
    title: 'tiny → huge, temperature 1',
    machines: null,
    roundTripMs: 20,
    upRate: 1e6,
    downRate: 1e6,
  },
  ...{ radio: null, temperature: 1, seed: 0, schemes: [SMALL, SCHEME], keep: 0.975 },
  ...{
    map: linkMap([{ name: SCHEME.name, timeOver: () => SCHEME.time }]),
    hasAccuracies: false,
    isQuiet: true,
  },
  emulation: 'a relay shapes the link',
};

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number | null;
  readonly asked: readonly MeasureLinkOptions[];
  readonly drawn: readonly string[];
}

async function link(
  args: readonly string[],
  measured: MeasuredLink = MEASURED,
  options: RecordedIoOptions = {},
): Promise<Ran> {
  const recorded = recordedIo(options);
  const asked: MeasureLinkOptions[] = [];
  const drawn: string[] = [];
  await runCli(['bench', 'link', ...args], recorded.io, {
    ...scriptedDependencies(() => ({ tokens: [] })),
    measureLink: async (given) => {
      asked.push(given);
      given.onProgress?.({ label: 'Running small', done: 0, total: 9, unit: 'steps' });
      return measured;
    },
    drawLinkMap: async (_measured, path) => {
      drawn.push(path);
    },
  });
  const [out, err, exitCode] = [recorded.out(), recorded.err(), recorded.exitCode()];
  return { out, err, exitCode, asked, drawn };
}

describe('bench link', () => {
  it('prints speed, bytes and times of each scheme, computed and measured', async () => {
    const { out, err, exitCode, drawn } = await link([]);
    expect([err, exitCode, drawn]).toEqual(['Running small …\n', null, []]);
    expect(out).toBe(
      [
        'tiny → huge, temperature 1, round trip 20.0 ms, 1 Mbit/s',
        'scheme            tokens/s  sent      up  down  device   hub  link',
        'small                 44.1    0%       –     –    22.7  0.00  0.00',
        'hlm:distribution      0.19  100%  608 kB  29 B    25.0  40.0  5105',
        '  measured            0.19  100%  608 kB  29 B    26.0  41.0  5110',
        'sent: messages to the hub for each token; up, down: their bytes, with WebSocket headers.',
        'device, hub, link: milliseconds of a token. The time on the link is computed from bytes,',
        'round trip and rate; lines "measured" are of a run over an emulated link.',
        '',
        'Emulated: a relay shapes the link.',
        'bytes                  messages  packets  predicted  interface',
        'hlm:distribution up      607778      428     636026     640100',
        'hlm:distribution down        29      211      13955      14000',
        '',
      ].join('\n'),
    );
  });

  it('asks with the defaults', async () => {
    const { asked } = await link([]);
    expect(asked[0]).toMatchObject({
      ...{ roundTripMs: 20, upRate: 1e6, downRate: 1e6, temperature: 1, seed: 0, tokenCount: 200 },
      ...{ keep: 0.975, over: 'auto', fullTokenCount: 100, uplink: {} },
      schemes:
        'small,large,hlm:distribution,hlm:top,hlm:ids,uhlm,uhlm:ids,cu-hlm,cu-hlm:ahead,random-uhlm',
    });
    expect(asked[0]?.radio).toBeUndefined();
    expect(asked[0]?.program?.[0]).toBe(process.execPath);
  });

  it('passes on what was asked for', async () => {
    const { asked } = await link([
      ...['--pair', 'pocket', '--schemes', 'hlm:ids', '--round-trip', '5ms', '--rate', '2mbit'],
      ...['--down-rate', '10mbit', '--tokens', '7', '--full-tokens', '3', '--temperature', '0'],
      ...['--seed', '9', '--prompt', 'a', '--prompt', 'b', '--over', 'none', '--keep', '0.9'],
      ...['--result', 'r.json', '--uplink-tokens', '30', '--uplink-rest', 'uniform'],
      ...['--snr', '10', '--coherence', '5', '--threads', '1'],
      ...['--device-profile', 'laptop-cpu', '--hub-profile', 'h100-sxm', '--uplink-ahead', '4'],
    ]);
    expect(asked[0]).toMatchObject({
      ...{ pair: 'pocket', schemes: 'hlm:ids', roundTripMs: 5, upRate: 2e6, downRate: 1e7 },
      ...{ tokenCount: 7, fullTokenCount: 3, temperature: 0, seed: 9, prompts: ['a', 'b'] },
      ...{ over: 'none', keep: 0.9, accuracies: 'r.json', threadCount: 1 },
      uplink: { tokenCount: 30, rest: 'uniform', ahead: 4 },
      ...{ deviceProfile: 'laptop-cpu', hubProfile: 'h100-sxm' },
      radio: { snrDb: 10, bandwidthHz: 1e6, coherenceMs: 5, seed: 9 },
    });
  });

  it('draws the map, and says where it is or why there is none', async () => {
    const { out, drawn } = await link(['--map', 'links.svg']);
    expect(drawn).toEqual(['links.svg']);
    expect(out).toContain('\nThe map: links.svg\n');
    const none = await link(['--map', 'links.svg'], { ...MEASURED, map: null });
    expect(none.out).toContain('No scheme keeps the accuracy: there is no map.');
  });

  it('prints one JSON object', async () => {
    const { out } = await link(['--json']);
    expect(JSON.parse(out)).toEqual({ type: 'link', ...MEASURED });
    expect(out.trim()).not.toContain('\n');
  });

  it('says what shaped the link, what passed the interface, and that the machine was busy', async () => {
    const { out, err } = await link([], { ...MEASURED, isQuiet: false });
    expect(out).toContain('\nEmulated: a relay shapes the link.\n');
    expect(out).toMatch(/hlm:distribution up +607778 +428 +636026 +640100\n/);
    expect(err).toContain('Other programs occupied the processors');
  });

  it('names the machines of profiles, and a radio channel', async () => {
    const there = await link([], { ...MEASURED, machines: 'hub on h100-sxm (predicted)' });
    expect(there.out).toContain('1 Mbit/s\nhub on h100-sxm (predicted)\nscheme');
    const radio = { bandwidthHz: 2e6, snrDb: 10, coherenceMs: 5, seed: 0 };
    const { out } = await link([], { ...MEASURED, radio });
    expect(out).toContain('radio of 2 MHz at 10 dB, fading in blocks of 5 ms');
    const steady = await link([], { ...MEASURED, radio: { ...radio, coherenceMs: null } });
    expect(steady.out).toContain('at 10 dB, no fading');
  });

  it.each([
    [['--rate', '1'], '--rate is "1"'],
    [['--round-trip', 'x'], '--round-trip is "x"'],
    [['--snr', '100'], '--snr is "100"'],
    [['--bandwidth', '1', '--snr', '1'], '--bandwidth is "1"'],
    [['--coherence', '0', '--snr', '1'], '--coherence is "0"'],
    [['--bandwidth', '1000000'], '--bandwidth'],
    [['--coherence', '10'], '--coherence'],
    [['--keep', '2'], '--keep is "2"'],
    [['--tokens', '0'], '--tokens is "0"'],
    [['--over', 'air'], '--over'],
  ])('refuses %j', async (args, message) => {
    const { err, exitCode, asked } = await link(args);
    expect(err).toContain(message);
    expect([exitCode, asked]).toEqual([2, []]);
  });
});
