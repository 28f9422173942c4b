import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import { scriptedDependencies } from '../../../test/cli/scripted-engine.ts';
import {
  type AdviceInputs,
  type AdvisedServer,
  adviceReport,
} from '../../app/advice/advice-report.ts';
import type { AdviseOptions } from '../../app/advise.ts';
import { PROFILE, TIMED } from '../../machines/fakes/timed-profile.ts';
import { KNOWN_MACHINES } from '../../machines/known-machines.ts';
import { type ServedTimes, servedCosts } from '../../machines/served-costs.ts';
import { METHODS } from '../../strategy/methods.ts';
import { runCli } from '../run-cli.ts';

const MODELS: AdviceInputs['models'] = {
  small: {
    name: 'timed',
    weightBytes: 1000,
    parameterCounts: { body: 900, outputHead: 100 },
    kvBytesPerToken: 10,
  },
  large: {
    name: 'huge',
    weightBytes: 5000,
    parameterCounts: { body: 4500, outputHead: 500 },
    kvBytesPerToken: 50,
  },
};
const profile = {
  ...PROFILE,
  models: [
    TIMED,
    { ...TIMED, model: 'huge', weightBytes: 5000, decode: [{ rowCount: 1, ms: 50 }] },
  ],
};
const INPUTS: AdviceInputs = {
  models: MODELS,
  profile,
  remoteProfile: profile,
  roundTripMs: null,
  statistics: null,
};

async function advise(args: readonly string[], inputs: Partial<AdviceInputs> = {}) {
  const asked: AdviseOptions[] = [];
  const recorded = recordedIo();
  await runCli(['advise', ...args], recorded.io, {
    ...scriptedDependencies(() => ({ tokens: [] })),
    advise: async (options) => {
      asked.push(options);
      return adviceReport({ ...INPUTS, ...inputs }, options);
    },
  });
  return { out: recorded.out(), err: recorded.err(), exitCode: recorded.exitCode(), asked };
}

const GIVEN = ['--share', '0.2', '--acceptance', '0.7', '--lookup', '0.1,0.6'];

describe('advise', () => {
  it('advises on every method, in eighty columns', async () => {
    const { out, err, exitCode } = await advise(GIVEN);
    for (const { costModels } of METHODS) {
      for (const { name } of costModels) expect(out).toContain(`\n${name} `);
    }
    expect(out).toMatch(/^small timed, large huge\nprompts of 128 tokens, answers of 256\n/);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect([err, exitCode]).toEqual(['', null]);
    expect(out).not.toContain('price');
    expect(out).not.toContain('PREDICTED');
  });

  it('tells the cost of each strategy, and from where on it pays', async () => {
    const { out } = await advise([...GIVEN, '--prompt-tokens', '1', '--answer-tokens', '100']);
    expect(out).toMatch(/^small( +0\.20){5}$/m);
    expect(out).toMatch(/^large( +1\.00){5}$/m);
    // A token of the small model and a fifth of one of the large, with any number of rows: 10 + 10 of
    // 50.
    expect(out).toMatch(/^entropy +0\.20( +0\.40){4} /m);
    expect(out).toMatch(/^entropy +share( +<0\.80){4} /m);
    expect(out).toMatch(/^speculative \(small\) +acceptance +>0\.\d\d /m);
  });

  it('adds a large model behind a network, on another machine if there is one', async () => {
    const [remote = PROFILE] = KNOWN_MACHINES;
    const { out, asked } = await advise(
      [...GIVEN, '--round-trip', '40', '--remote-profile', remote.name],
      { remoteProfile: remote, roundTripMs: 40 },
    );
    expect(out).toContain('\nThe large model on the same machine\n');
    expect(out).toContain(`\nThe large model 40.0 ms away, on ${remote.name} (predicted)\n`);
    expect(asked[0]).toMatchObject({ remoteProfile: remote.name, roundTripMs: 40 });
  });

  it('tells the round trip from which the small model alone pays', async () => {
    const slow = { ...TIMED, decode: [{ rowCount: 1, ms: 60 }] };
    const [, huge = TIMED] = profile.models;
    const slower = { ...profile, models: [slow, huge] };
    const args = [...GIVEN, '--prompt-tokens', '1', '--answer-tokens', '10'];
    const { out } = await advise(args, { profile: slower, remoteProfile: slower, roundTripMs: 1 });
    // Ten tokens take 100 ms longer, and one call is spared.
    expect(out).toMatch(/^small +>100 ms$/m);
    expect((await advise(args)).out).toMatch(/^small +always$/m);
    expect((await advise(args)).out).not.toMatch(/^large +(always|never)/m);
  });

  it('always marks a prediction as such', async () => {
    const [machine = PROFILE] = KNOWN_MACHINES;
    const { out } = await advise(GIVEN, { profile: machine, remoteProfile: machine });
    expect(out).toContain(`machine ${machine.name}: `);
    expect(out.match(/PREDICTED/g)).toHaveLength(2);
  });

  it('adds prices if they are given', async () => {
    const { out } = await advise([...GIVEN, '--price-large', '1,2']);
    expect(out).toMatch(/^costs .* price$/m);
    expect(out).toMatch(/^small .* 0\.00$/m);
    expect(out).toContain('bills every row once');
    expect((await advise(GIVEN)).out).not.toContain('bills');
  });

  it('prices an API that bills the whole text at every call', async () => {
    const args = [
      ...GIVEN,
      '--price-large',
      '1,2',
      '--prompt-tokens',
      '100',
      '--answer-tokens',
      '11',
    ];
    const kept = await advise(args);
    const perCall = await advise([...args, '--billing', 'per-call']);
    // For 100 read and 22 for the written ones: 0.2 of 11 calls, each of which reads 105 and writes one.
    expect(perCall.out).toMatch(new RegExp(`^random .* ${((2.2 * 107) / 122).toFixed(2)}$`, 'm'));
    expect(kept.out).not.toMatch(/^random .* 1\.93$/m);
    expect(perCall.out).toContain('again at every call');
    const json = await advise([...args, '--billing', 'per-call', '--json']);
    expect(JSON.parse(json.out)).toMatchObject({ billing: 'per-call' });
  });

  it('leaves prompt lookup out if its statistics are unknown', async () => {
    const { out } = await advise(['--share', '0.2', '--acceptance', '0.7']);
    expect(out).toMatch(/^speculative \(small\) +0\.70, /m);
    expect(out).not.toContain('speculative (lookup)');
    expect(out.replaceAll('\n', ' ')).toContain('Prompt lookup is left out');
  });

  it('names the machines that are built in', async () => {
    const { out } = await advise(['--help']);
    for (const { name } of KNOWN_MACHINES) expect(out).toContain(name);
  });

  it('tries strategies out if their statistics are not given', async () => {
    const statistics = {
      shares: { entropy: 0.11, margin: 0.22 },
      acceptance: 0.66,
      lookup: { hitRate: 0.13, acceptance: 0.44 },
      overheadMs: null,
    };
    const { out, asked } = await advise([], { statistics });
    expect(asked[0]).not.toHaveProperty('share');
    expect(out).toMatch(/^entropy +0\.11 /m);
    expect(out).toMatch(/^margin +0\.22 /m);
    // Its threshold is its share, so it needs no try-out.
    expect(out).toMatch(/^random +0\.30 /m);
    expect(out).toMatch(/^speculative \(small\) +0\.66, /m);
    expect(out).toMatch(/^speculative \(lookup\) +0\.44, \d drafts?, found 13% /m);
    const acceptance = await advise(['--acceptance', '0.9'], { statistics });
    expect(acceptance.out).toMatch(/^speculative \(small\) +0\.90, /m);
    expect(acceptance.out).toMatch(/^speculative \(lookup\) +0\.44, /m);
    const lookup = await advise(['--lookup', '0.5,0.6'], { statistics });
    expect(lookup.out).toMatch(/^speculative \(small\) +0\.66, /m);
    expect(lookup.out).toMatch(/^speculative \(lookup\) +0\.60, \d drafts?, found 50% /m);
    const told = await advise(['--share', '0.5'], { statistics });
    expect(told.asked[0]).toMatchObject({ share: 0.5 });
    expect(told.out).toMatch(/^random +0\.50 /m);
    expect((await advise(GIVEN)).asked[0]).toMatchObject({ share: 0.2, acceptance: 0.7 });
  });

  it("adds the engine's overhead around a forward, which matters most for tiny models", async () => {
    const statistics = {
      shares: {},
      acceptance: 0.9,
      lookup: { hitRate: 0, acceptance: 0 },
      overheadMs: null,
    };
    const ratio = async (overheadMs: number | null): Promise<number> => {
      const { out } = await advise(['--json'], { statistics: { ...statistics, overheadMs } });
      const { places } = JSON.parse(out) as {
        places: { strategies: { name: string; faces: { time: { ratio: number } } }[] }[];
      };
      const found = places[0]?.strategies.find(({ name }) => name === 'small');
      return found?.faces.time.ratio ?? Number.NaN;
    };
    const [none, some, much] = [await ratio(null), await ratio(5), await ratio(1e6)];
    expect(none).toBeLessThan(some);
    expect(some).toBeLessThan(much);
    // The overhead is the same for both. With this much of it, nothing else counts.
    expect(much).toBeCloseTo(1, 3);
  });

  it('prints one JSON object with every number', async () => {
    const { out } = await advise([...GIVEN, '--json', '--round-trip', '5'], { roundTripMs: 5 });
    const advice = JSON.parse(out);
    expect(advice).toMatchObject({
      type: 'advice',
      models: { small: 'timed', large: 'huge' },
      profile: 'box',
      promptTokenCount: 128,
      answerTokenCount: 256,
      billing: 'kept',
      lookup: { hitRate: 0.1, acceptance: 0.6 },
      places: [
        { place: 'local', roundTripMs: 0, largeProfile: 'box', kind: 'measured' },
        { place: 'remote', roundTripMs: 5 },
      ],
    });
    const [{ strategies }] = advice.places;
    expect(strategies.map(({ name }: { name: string }) => name)).toEqual(
      METHODS.flatMap(({ costModels }) => costModels.map(({ name }) => name)),
    );
    expect(strategies[2]).toMatchObject({
      name: 'entropy',
      parameter: 'share',
      value: 0.2,
      faces: { weightTraffic: { pays: true, range: { from: 0 } }, price: { ratio: null } },
    });
  });

  it('shows what was measured of a server, and what does not work with it', async () => {
    const times: ServedTimes = {
      ...{ tokenMs: 50, againMs: 60, textTokenCount: 60, spread: 0 },
      fresh: [
        { tokenCount: 60, ms: 100 },
        { tokenCount: 260, ms: 300 },
      ],
      calls: [{ rowCount: 1, ms: 60 }],
      batches: [{ rowCount: 2, ms: 65 }],
    };
    const server: AdvisedServer = {
      ...{ engine: 'vllm', host: 'gpu:8000', model: 'huge', version: '0.32.0' },
      ...{ times, costs: servedCosts(times), works: ['large', 'margin'] },
    };
    const given = [...GIVEN, '--large', 'vllm:http://gpu:8000', '--large-as', 'huge'];
    const { out, asked } = await advise(given, { server });
    expect(asked[0]).toMatchObject({ large: 'vllm:http://gpu:8000', server: { as: 'huge' } });
    expect(out).toContain('\nserver vllm 0.32.0 at gpu:8000, measured, in ms:\n');
    expect(out).toContain('a streamed token 50.0, round trip of a call 10.0\n');
    expect(out).toContain('reading a token 1.00; a text that it has read before is kept\n');
    expect(out).toContain('\nThe large model 10.0 ms away, on box\n');
    expect(out).not.toContain('on the same machine');
    expect(out).toMatch(/^margin /m);
    expect(out).not.toMatch(/^citer /m);
    const words = out.replaceAll('\n', ' ');
    expect(words).toMatch(/Not available with this server: entropy, .*citer/);
    expect(words).toContain('Presumed are: no other load there');
    const json = JSON.parse((await advise([...given, '--json'], { server })).out);
    expect(json).toMatchObject({
      server: { host: 'gpu:8000', costs: { roundTripMs: 10, keepsPrefix: true } },
      places: [{ place: 'remote', roundTripMs: 10 }],
    });
    expect(json.unavailable).toContain('citer');
  });

  it('passes every option on', async () => {
    const { asked } = await advise([
      ...['--pair', 'p', '--small', 's', '--large', 'l', '--profile', 'x', '--threads', '2'],
      '--offline',
    ]);
    expect(asked[0]).toMatchObject({
      ...{ pair: 'p', small: 's', large: 'l', profile: 'x', threadCount: 2, offline: true },
    });
  });

  it('names the model that a profile lacks', async () => {
    const { err, exitCode } = await advise(GIVEN, { profile: PROFILE, remoteProfile: PROFILE });
    expect(err).toContain(
      'error[profile-incomplete]: The profile box has costs of timed, not of huge.',
    );
    expect(exitCode).toBe(1);
  });

  it.each([
    [['--share', '1.1'], '--share is "1.1", not a number from 0 to 1.'],
    [['--acceptance', 'x'], '--acceptance is "x"'],
    [['--round-trip', '-3'], '--round-trip is "-3"'],
    [['--answer-tokens', '0'], '--answer-tokens is "0"'],
    [['--price-large', '1'], 'A price is "1"'],
    [['--lookup', '0.5'], '--lookup is "0.5"'],
    [['--lookup', '0.5,1.1'], '--lookup is "0.5,1.1"'],
    [['--lookup', '0.5,0.1,0'], '--lookup is'],
    [['--billing', 'x'], "--billing <HOW>' argument 'x' is invalid"],
  ])('refuses %j before anything is measured', async (args, message) => {
    const { err, exitCode, asked } = await advise(args);
    expect(err).toContain(message);
    expect([exitCode, asked]).toEqual([2, []]);
  });

  it('shows examples', async () => {
    expect((await advise(['--help'])).out).toContain('Examples:\n  pilotfish advise\n');
  });
});
