import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runs } from '../../../test/runs.ts';
import type { TokenId } from '../../core/token-id.ts';
import { tinyRouter } from '../../judging/fakes/tiny-router.ts';
import {
  type Chooser,
  type Forwarding,
  favourite,
  goOn,
  HIDDEN_SIZE,
  largeAlone,
  MAX_TOKENS,
  type NumberWorld,
  numberWorld,
  routed,
  smallAlone,
  solvedTrajectories,
  trajectoryOf,
  worthOf,
} from '../fakes/number-world.ts';
import { type OutcomeStore, openOutcomes } from '../rollouts/outcome-store.ts';
import { LARGE_POLICY, type Policy, routerPolicy, SMALL_POLICY } from '../rollouts/policy.ts';
import { drawSeed, type RolloutPlan } from '../rollouts/rollout-plan.ts';
import { type Example, ExampleStore } from '../traces/example-store.ts';
import type { Trajectory } from '../trajectory.ts';
import { type Labelled, labelTrajectories } from './label-trajectories.ts';
import { type Objective, type Target, usesRollouts } from './targets.ts';
import { branchesFor, targetsFor } from './targets-of.ts';

const FEATURES = { hidden: true, topLogprobs: 4 };
const GREEDY_PLAN: RolloutPlan = {
  draws: { count: 1, temperature: 1 },
  positionCountMax: 100,
  seed: 1,
};
const ROUTER = tinyRouter({ hiddenSize: HIDDEN_SIZE });
const THRESHOLD = 0.55;
const POLICIES: readonly (readonly [string, Policy, Chooser])[] = [
  ['the small model', SMALL_POLICY, smallAlone],
  ['the large model', LARGE_POLICY, largeAlone],
  ['a router', routerPolicy(ROUTER, THRESHOLD, FEATURES), routed(ROUTER, THRESHOLD)],
];

interface Run {
  readonly objective?: Objective;
  readonly policy?: Policy;
  readonly plan?: RolloutPlan;
  readonly rolloutCountMax?: number;
  readonly world?: NumberWorld;
  readonly signal?: AbortSignal;
}

interface Result extends Labelled {
  readonly targets: readonly (readonly Target[])[];
  readonly outcomes: OutcomeStore;
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-labels-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function label(trajectories: readonly Trajectory[], run: Run = {}): Promise<Result> {
  const { objective = 'citer', policy = SMALL_POLICY, plan = GREEDY_PLAN } = run;
  const { world = numberWorld(), rolloutCountMax = 10_000, signal } = run;
  const examples = await ExampleStore.open(join(folder, 'readings.jsonl'));
  const outcomes = await openOutcomes(join(folder, 'rollouts.jsonl'));
  const labelled = await labelTrajectories(trajectories, {
    ...{ pair: world.pair, examples, outcomes, policy, rolloutCountMax },
    ...{ features: FEATURES, draws: plan.draws, seed: plan.seed, maxTokens: MAX_TOKENS },
    branchesOf: (example) => branchesFor(objective, example, policy, plan),
    label: 'Labelling',
    ...(signal === undefined ? {} : { signal }),
  });
  const targets = labelled.examples.map((example) =>
    targetsFor(objective, example, policy, plan, outcomes),
  );
  return { ...labelled, targets, outcomes };
}

const MIXED: Chooser = (text) => favourite(text.length % 3 === 0 ? 'small' : 'large', text);
const OTHERS: Chooser = (text) =>
  text.length % 4 === 0 ? (((favourite('large', text) + 2) % 4) as TokenId) : MIXED(text);
const WALKED: readonly Trajectory[] = [
  ...solvedTrajectories(20),
  ...Array.from({ length: 20 }, (_, index) => trajectoryOf(index + 100, MIXED)),
];

/** Writes the rest of a branch anew and returns the value of its answer. */
function endOf({ prompt, tokens, question }: Trajectory, at: number, token: TokenId, by: Chooser) {
  const begun = [...tokens.slice(0, at), token];
  const text = [...prompt, ...begun];
  return worthOf([...begun, ...goOn(by, text, prompt.length + MAX_TOKENS)], question);
}

function bruteForce(trajectory: Trajectory, policy: Chooser): readonly (number | null)[] {
  const { prompt, tokens } = trajectory;
  let judgedCount = 0;
  const values = tokens.map((token, position) => {
    const before = [...prompt, ...tokens.slice(0, position)];
    const small = favourite('small', before);
    const large = favourite('large', before);
    if (small === large) return 1;
    if (token !== small && token !== large) return null;
    judgedCount += 1;
    const ends = [small, large].map((id) => endOf(trajectory, position, id, policy));
    return Number((ends[0] ?? 0) >= (ends[1] ?? 0));
  });
  // An answer with differing tokens, none of which could be judged, says nothing.
  const isSilent = judgedCount === 0 && values.includes(null);
  return isSilent ? values.map(() => null) : values;
}

const valuesOf = ({ targets }: Result) => targets.map((all) => all.map(({ value }) => value));

describe('labels by rollouts', () => {
  it.each(POLICIES)('are those of brute force, rolled out by %s', async (_by, policy, chooser) => {
    const walked = [...WALKED, ...solvedTrajectories(6).map((_, at) => trajectoryOf(at, OTHERS))];
    const result = await label(walked, { policy });
    const expected = walked.map((trajectory) => bruteForce(trajectory, chooser));
    expect(valuesOf(result)).toEqual(expected);
    // Both labels occur, some of them unlike those that a token's own position would give.
    const all = expected.flat();
    expect(all.filter((value) => value === 0).length).toBeGreaterThan(5);
    const rolledOut = result.targets.flat().filter(({ labelCase }) => labelCase === 'rolled-out');
    expect(rolledOut.filter(({ value }) => value === 1).length).toBeGreaterThan(5);
  });

  it('need one rollout for each position at which the models differ', async () => {
    const result = await label(solvedTrajectories(20));
    const differing = result.examples.flatMap(({ trace: { small, large } }) =>
      small.filter((token, at) => token !== large[at]),
    );
    expect([result.rolloutCount, result.skippedCount]).toEqual([differing.length, 0]);
    expect(result.outcomes.count).toBe(differing.length);
  });

  it("of the paper's rule roll out the small token where neither model writes the text's", async () => {
    const walked = Array.from({ length: 20 }, (_, index) => trajectoryOf(index, OTHERS));
    const result = await label(walked, { objective: 'citer-paper' });
    const expected = walked.map((trajectory) =>
      trajectory.tokens.map((token, position) => {
        const before = [...trajectory.prompt, ...trajectory.tokens.slice(0, position)];
        const small = favourite('small', before);
        if (small === token) return 1;
        if (favourite('large', before) === token) return 0;
        return endOf(trajectory, position, small, smallAlone);
      }),
    );
    expect(valuesOf(result)).toEqual(expected);
    expect(new Set(result.targets.flat().map(({ labelCase }) => labelCase)).size).toBe(3);
  });

  it('of other objectives need no rollout', async () => {
    for (const objective of ['citer-s', 'co-llm', 'co-llm-supervised', 'alignment'] as const) {
      expect(usesRollouts(objective)).toBe(false);
      const result = await label(WALKED.slice(0, 4), { objective });
      expect([result.rolloutCount, result.outcomes.count]).toEqual([0, 0]);
    }
  });

  it('of drawn rollouts are chances, the same every time, and use no greedy end', async () => {
    const plan = { ...GREEDY_PLAN, draws: { count: runs(2, 6), temperature: 1 } };
    await label(WALKED);
    const greedy = new Map((await rolloutLines()).map((line) => [JSON.stringify(line), line]));
    const drawn = await label(WALKED, { plan });
    const values = valuesOf(drawn).flat();
    expect(values.some((value) => value !== null && value > 0 && value < 1)).toBe(true);
    const added = (await rolloutLines()).filter((line) => !greedy.has(JSON.stringify(line)));
    expect(added).toHaveLength(drawn.rolloutCount);
    await rm(join(folder, 'rollouts.jsonl'));
    expect(valuesOf(await label(WALKED, { plan }))).toEqual(valuesOf(drawn));
  });

  it('of another seed draw anew', async () => {
    const draws = { count: 2, temperature: 1 };
    const first = await label(WALKED, { plan: { ...GREEDY_PLAN, draws, seed: 1 } });
    const second = await label(WALKED, { plan: { ...GREEDY_PLAN, draws, seed: 2 } });
    expect(valuesOf(second)).not.toEqual(valuesOf(first));
    expect(second.outcomes.count).toBe(first.outcomes.count * 2);
    const seeds = [1, 2].flatMap((seed) => [0, 1].map((draw) => drawSeed({ seed }, draw)));
    expect(new Set(seeds).size).toBe(4);
  });
});

async function rolloutLines(): Promise<readonly unknown[]> {
  const text = await readFile(join(folder, 'rollouts.jsonl'), 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

describe('stored work', () => {
  it('is not repeated: a second run computes nothing', async () => {
    const first = await label(WALKED);
    const world = numberWorld();
    const second = await label(WALKED, { world });
    expect(world.fedCount()).toBe(0);
    expect(second.rolloutCount).toBe(first.rolloutCount);
    expect(second.targets).toEqual(first.targets);
    expect(second.examples).toEqual(first.examples);
  });

  it('serves other objectives and policies where they need the same branches', async () => {
    await label(WALKED, { objective: 'citer-s' });
    const world = numberWorld();
    const rolled = await label(WALKED, { world });
    const readAlone = numberWorld();
    const lines = (await readFile(join(folder, 'readings.jsonl'), 'utf8')).split('\n').length - 1;
    expect(lines).toBe(WALKED.length);
    await rm(join(folder, 'rollouts.jsonl'));
    await label(WALKED, { world: readAlone });
    expect(world.fedCount()).toBe(readAlone.fedCount());
    // Under another policy every branch has another end.
    const policy = routerPolicy(ROUTER, THRESHOLD, FEATURES);
    const other = await label(WALKED, { policy });
    expect(other.outcomes.count).toBe(rolled.rolloutCount + other.rolloutCount);
  });

  it('is the same where the cache has room for few branches at a time', async () => {
    const [wide, narrow] = [numberWorld(), numberWorld({ cellCount: 64 })];
    const expected = valuesOf(await label(WALKED, { world: wide }));
    await rm(folder, { recursive: true });
    const result = await label(WALKED, { world: narrow });
    expect(valuesOf(result)).toEqual(expected);
    expect(narrow.openCount()).toBe(0);
    expect(narrow.fedCount()).toBeGreaterThan(wide.fedCount());
    await rm(folder, { recursive: true });
    const none = label(WALKED, { world: numberWorld({ cellCount: 8, contextLength: 8 }) });
    await expect(none).rejects.toMatchObject({ code: 'kv-full' });
  });

  it('is cut off by the cap after a whole answer, regardless of stored ends', async () => {
    const each: number[] = [];
    for (const trajectory of WALKED) each.push((await label([trajectory])).rolloutCount);
    expect(each).toContain(0);
    const known = folder;
    for (const rolloutCountMax of [0, 1, 17, 60]) {
      let fitting = 0;
      let needed = 0;
      while (needed + (each[fitting] ?? 0) <= rolloutCountMax) needed += each[fitting++] ?? 0;
      // Some answers after the cap need no rollout. They are left out, too.
      expect(each.slice(fitting)).toContain(0);
      folder = await mkdtemp(join(tmpdir(), 'pilotfish-labels-'));
      const fresh = await label(WALKED, { rolloutCountMax });
      await rm(folder, { recursive: true });
      folder = known;
      const again = await label(WALKED, { rolloutCountMax });
      for (const { examples, targets, rolloutCount, skippedCount } of [fresh, again]) {
        expect(examples.map(({ trajectory }) => trajectory)).toEqual(WALKED.slice(0, fitting));
        expect(rolloutCount).toBe(needed);
        expect(skippedCount).toBe(WALKED.length - fitting);
        expect(targets.flat().filter(({ labelCase }) => labelCase === 'unjudged')).toEqual([]);
      }
      expect(fresh.outcomes.count).toBe(needed);
      expect(again.targets).toEqual(fresh.targets);
    }
  });
});

/** Stops, or breaks, at the n-th forward. */
function stopping(at: number, stop: () => void): Forwarding {
  let count = 0;
  return {
    onForward: async () => {
      count += 1;
      const isLast = count === at;
      await new Promise((resolve) => setImmediate(resolve));
      if (isLast) stop();
    },
  };
}

describe('an interruption', () => {
  it.each([1, 30, 200, 500])('at forward %s loses no finished work', async (at) => {
    const caller = new AbortController();
    const world = numberWorld(stopping(at, () => caller.abort()));
    const run = label(WALKED, { world, signal: caller.signal });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(world.openCount()).toBe(0);
    const kept = await openOutcomes(join(folder, 'rollouts.jsonl'));
    const rest = numberWorld();
    const resumed = await label(WALKED, { world: rest });
    const resumedFolder = folder;
    folder = await mkdtemp(join(tmpdir(), 'pilotfish-labels-'));
    const all = numberWorld();
    const whole = await label(WALKED, { world: all });
    expect(resumed.targets).toEqual(whole.targets);
    expect(resumed.examples).toEqual(whole.examples);
    if (kept.count > 0) expect(rest.fedCount()).toBeLessThan(all.fedCount());
    await rm(resumedFolder, { recursive: true });
  });

  it.each([1, 30, 200, 500])('by a failure at forward %s closes everything', async (at) => {
    const failure = new Error('broken');
    const broken = (): void => {
      throw failure;
    };
    const world = numberWorld(stopping(at, broken));
    await expect(label(WALKED, { world })).rejects.toBe(failure);
    expect(world.openCount()).toBe(0);
  });

  it('reports its progress', async () => {
    const seen: number[] = [];
    const world = numberWorld();
    const examples = await ExampleStore.open(join(folder, 'readings.jsonl'));
    const outcomes = await openOutcomes(join(folder, 'rollouts.jsonl'));
    const none = (_example: Example) => [];
    await labelTrajectories(WALKED, {
      ...{ pair: world.pair, examples, outcomes, policy: SMALL_POLICY, rolloutCountMax: 1 },
      ...{ features: FEATURES, draws: GREEDY_PLAN.draws, seed: 1, maxTokens: MAX_TOKENS },
      ...{ branchesOf: none, label: 'Labelling' },
      onProgress: ({ done }) => seen.push(done),
    });
    expect([seen[0], seen.at(-1)]).toEqual([0, WALKED.length]);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });
});
