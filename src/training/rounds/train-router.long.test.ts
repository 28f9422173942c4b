import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { routerScore, scoreDigest } from '../../judging/router.ts';
import { atOnce } from '../../network/steps.ts';
import {
  HIDDEN_SIZE,
  MAX_TOKENS,
  type NumberWorld,
  numberWorld,
  solvedTrajectories,
} from '../fakes/number-world.ts';
import { OBJECTIVES, usesRollouts } from '../labels/targets.ts';
import { ExampleStore } from '../traces/example-store.ts';
import { TrainingPair } from '../training-pair.ts';
import { tokenScores } from './calibrate-along.ts';
import {
  READ_FEATURES,
  type RoundReport,
  type TrainedRouter,
  type TrainRouterOptions,
  trainRouter,
  WRITTEN_FILE,
} from './train-router.ts';

const TRAJECTORIES = solvedTrajectories(40);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-rounds-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function optionsOf(
  changes: Partial<TrainRouterOptions> = {},
  world: NumberWorld = numberWorld(),
): TrainRouterOptions {
  return {
    pair: world.pair,
    boundTo: { small: { name: 's', digest: '5' }, large: { name: 'l', digest: '6' } },
    ...{ trajectories: TRAJECTORIES, objective: 'citer', roundCount: 2, rolloutCountMax: 10_000 },
    rollouts: { draws: { count: 1, temperature: 1 }, positionCountMax: 100, seed: 1 },
    ...{
      firstPolicy: 'small',
      policyShare: null,
      features: { hidden: true, topLogprobs: 0, tokenEmbedding: false },
      maxTokens: MAX_TOKENS,
    },
    fit: {
      shape: { hidden: [{ size: 8, activation: true }], dropout: 0 },
      ...{ rate: 0.01, weightDecay: 0, batchSize: 32, epochCountMax: 12, patience: 12 },
      ...{ validationShare: 0.25, balanceMax: 1, seed: 1 },
    },
    ...{ folder, trainedOn: new Set([3, 4]), facts: { seed: 1 } },
    ...changes,
  };
}

const jsonLines = async (name: string): Promise<readonly Record<string, unknown>[]> => {
  const text = await readFile(join(folder, name), 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
};

describe('training in rounds', () => {
  it('tells apart the states in which the models differ', async () => {
    const { router, rounds } = await trainRouter(optionsOf({ objective: 'citer-s' }));
    expect(rounds).toHaveLength(1);
    // Except after texts that have ended, where both models write the same.
    expect(rounds[0]?.auc).toBeGreaterThan(0.95);
    expect(rounds[0]).toMatchObject({ rolloutCount: 0, policyShare: 0, trajectoryCount: 40 });
    expect(router).toMatchObject({ strategy: 'citer-s', hiddenSize: HIDDEN_SIZE });
    expect(router.trainedOn).toEqual(new Set([3, 4]));
    const examples = await ExampleStore.open(join(folder, 'readings.jsonl'));
    const read = TRAJECTORIES.flatMap((trajectory) => examples.get(trajectory) ?? []);
    const scores = atOnce(tokenScores(router, read, READ_FEATURES));
    const tokens = read
      .flatMap(({ trace }) => [...trace.small].map((token, at) => token !== trace.large[at]))
      .map((differs, at) => ({ differs, score: scores[at] ?? Number.NaN }));
    // By default the router calls for twice the share of the labels: here, for all tokens.
    const kept = tokens.filter(({ score }) => score >= router.defaultThreshold);
    expect(kept.filter(({ differs }) => differs)).toEqual([]);
    expect(kept.length).toBeGreaterThan(tokens.length / 4);
    expect(tokens.filter(({ differs }) => differs).length).toBeGreaterThan(20);
  });

  it.each(OBJECTIVES)('gives the same bytes for the same seed: %s', async (objective) => {
    const fit = { ...optionsOf().fit, epochCountMax: 3 };
    const options = () => optionsOf({ objective, fit, trajectories: TRAJECTORIES.slice(0, 16) });
    const first = await trainRouter(options());
    await rm(folder, { recursive: true });
    const second = await trainRouter(options());
    expect(second.bytes).toEqual(first.bytes);
    expect(second.rounds).toEqual(first.rounds);
    const kept = (await readdir(folder)).filter((name) => name.includes('checkpoint'));
    const rounds = usesRollouts(objective) ? [1, 2] : [1];
    expect(kept.sort()).toEqual(rounds.map((round) => `network-${objective}-${round}.checkpoint`));
  });

  it('rolls out with the small model first, and then with the router before', async () => {
    const routers: TrainedRouter['bytes'][] = [];
    const reports: RoundReport[] = [];
    const options = optionsOf({
      roundCount: 3,
      policyShare: 0.3,
      onRound: (report, bytes) => {
        reports.push(report);
        routers.push(bytes);
      },
    });
    const { bytes, rounds } = await trainRouter(options);
    expect(rounds).toEqual(reports);
    expect(bytes).toEqual(routers.at(-1));
    const policies = [...new Set((await jsonLines('rollouts.jsonl')).map(({ policy }) => policy))];
    const writers = [...new Set((await jsonLines(WRITTEN_FILE)).map(({ writer }) => writer))];
    expect(policies[0]).toBe('small');
    expect(policies).toHaveLength(3);
    expect(policies.slice(1)).toEqual(writers);
    const { decodeRouter } = await import('../../judging/router-file.ts');
    for (const [at, id] of writers.entries()) {
      const router = decodeRouter(routers[at] ?? new Uint8Array());
      expect(id).toMatch(new RegExp(`^${scoreDigest(router)}@`));
      const policyShare = reports[at + 1]?.policyShare ?? 0;
      expect(policyShare).toBeGreaterThanOrEqual(0.3);
      expect(policyShare).toBeLessThan(0.4);
      // The same share by the cuts in the router's file.
      const { cuts = [] } = router.calibration ?? {};
      const threshold = Number(String(id).split('@')[1]);
      const below = cuts.filter((cut) => cut.share < policyShare - 1e-6);
      const above = cuts.filter((cut) => cut.share > policyShare + 1e-6);
      expect(threshold).toBeGreaterThan(below.at(-1)?.threshold ?? 0);
      expect(threshold).toBeLessThan(above[0]?.threshold ?? 1);
    }
    expect(reports.map(({ trajectoryCount }) => trajectoryCount)).toEqual([40, 80, 80]);
  });

  it('rolls out with the large model first on request', async () => {
    const options = optionsOf({ firstPolicy: 'large', policyShare: 0.3 });
    const { rounds } = await trainRouter(options);
    const policies = [...new Set((await jsonLines('rollouts.jsonl')).map(({ policy }) => policy))];
    expect(policies).toHaveLength(2);
    expect(policies[0]).toBe('large');
    expect(rounds[0]?.policyShare).toBe(1);
    expect(rounds[1]?.policyShare).toBeLessThan(1);
    // An objective without rollouts has no policy.
    const none = await trainRouter({ ...options, objective: 'citer-s' });
    expect(none.rounds[0]?.policyShare).toBe(0);
  });

  it("uses no answers of its own under the paper's rule", async () => {
    const { rounds } = await trainRouter(optionsOf({ objective: 'citer-paper' }));
    expect(rounds.map(({ trajectoryCount }) => trajectoryCount)).toEqual([40, 40]);
  });

  it('is refused where all labels are equal, or there are none', async () => {
    const agreeing = numberWorld();
    const { large } = agreeing.models;
    const same = new TrainingPair({ small: large, large });
    const onlyKept = trainRouter(optionsOf({ pair: same }));
    await expect(onlyKept).rejects.toMatchObject({
      code: 'training-data-insufficient',
      message: expect.stringContaining('keep the small model'),
    });
    await expect(trainRouter(optionsOf({ trajectories: [] }))).rejects.toMatchObject({
      code: 'training-data-insufficient',
      message: expect.stringContaining('no answers'),
    });
  });

  it('says how many answers the cap left out', async () => {
    const notices: string[] = [];
    const options = optionsOf({ roundCount: 1, rolloutCountMax: 30 });
    const { rounds } = await trainRouter({ ...options, onNotice: (text) => notices.push(text) });
    const { rolloutCount = 0, trajectoryCount = 0, unjudgedCount } = rounds[0] ?? {};
    expect(rolloutCount).toBeGreaterThan(20);
    expect(rolloutCount).toBeLessThanOrEqual(30);
    expect(trajectoryCount).toBeLessThan(40);
    // Every other answer is judged completely.
    expect(unjudgedCount).toBe(0);
    expect(notices).toEqual([`The cap on rollouts left ${40 - trajectoryCount} answers out.`]);
  });

  it('takes answers of the large model and of the router in turn, as far as the cap goes', async () => {
    const { rounds } = await trainRouter(optionsOf({ rolloutCountMax: 30 }));
    const count = rounds[1]?.trajectoryCount ?? 0;
    expect(count).toBeGreaterThan(8);
    expect(count).toBeLessThan(40);
    // An answer of the router that equals the large model's is not traced again.
    const sources = (await jsonLines('readings.jsonl')).map(({ source }) => source);
    expect(sources.filter((source) => source === 'mixed').length).toBeGreaterThan(0);
  });

  it('leads to the same router after a stop at any point', async () => {
    const seen: string[] = [];
    const onProgress: TrainRouterOptions['onProgress'] = ({ label, done }) => {
      seen.push(`${label}: ${done}`);
    };
    const whole = await trainRouter(optionsOf({ onProgress }));
    await rm(folder, { recursive: true });
    for (const stopAt of [0, 3, 7, 19, 39, seen.length - 3]) {
      const caller = new AbortController();
      const world = numberWorld();
      const run = trainRouter({
        ...optionsOf({}, world),
        signal: caller.signal,
        onProgress: ({ label, done }) => {
          if (`${label}: ${done}` === seen[stopAt]) caller.abort();
        },
      });
      await expect(run).rejects.toMatchObject({ code: 'aborted' });
      expect(world.openCount()).toBe(0);
    }
    const again: string[] = [];
    const resumed = await trainRouter(
      optionsOf({ onProgress: ({ label, done }) => again.push(`${label}: ${done}`) }),
    );
    expect(resumed.rounds).toEqual(whole.rounds);
    expect(resumed.bytes).toEqual(whole.bytes);
    expect(routerScore(resumed.router)(new Uint16Array(HIDDEN_SIZE))).toBeGreaterThan(0);
    // Neither the first round's network nor the epochs before the last stop were trained again.
    expect(again.filter((step) => step.startsWith('Training'))).toEqual(seen.slice(-2));
  });

  it('trains nothing again after a finished training', async () => {
    const whole = await trainRouter(optionsOf());
    const seen: string[] = [];
    const world = numberWorld();
    const again = await trainRouter(
      optionsOf({ onProgress: ({ label }) => seen.push(label) }, world),
    );
    expect(again).toEqual(whole);
    expect(seen.filter((label) => label.startsWith('Training'))).toEqual([]);
    expect(world.fedCount()).toBe(0);
  });
});
