/**
 * The distribution of RSD on toy models, by enumeration of every draw: the steps follow P_RSD
 * (arXiv 2501.19324, proposition 2.1), and the expected reward follows from it (2.2 and 2.3).
 */
import { describe, expect, it } from 'vitest';
import { required } from '../../src/core/invariant.ts';
import type { RowProgram } from '../../src/core/row-program.ts';
import { samplingParams } from '../../src/core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../src/core/token-id.ts';
import { ModelSet } from '../../src/engine/model-set.ts';
import { runRequest } from '../../src/engine/run-request.ts';
import type { StepReward } from '../../src/judging/step-reward.ts';
import { ScriptedModel } from '../../src/model/scripted/scripted-model.ts';
import { runRowProgram } from '../../src/sampling/run-row-program.ts';
import { rsd } from '../../src/strategy/rsd.ts';
import type { RsdOptions } from '../../src/strategy/rsd-options.ts';
import { singleModel } from '../../src/strategy/single-model.ts';
import type { Strategy } from '../../src/strategy/strategy.ts';
import { WEIGHTINGS, type WeightingName } from '../../src/strategy/weighting.ts';
import {
  enumerateDraws,
  largestDifference,
  type PathDraws,
} from '../../src/testing/enumerate-draws.ts';
import { RUNS_ARE_FULL } from '../runs.ts';

const [A, SEPARATOR, END] = [0, 1, 2];
const TOKENS = ['a', '\n\n', ''];
const PROMPT = tokenIds([A]);
/** Two steps and a half. */
const LENGTH = RUNS_ARE_FULL ? 5 : 3;
/** Two drafts of each step have many more ways to fall. */
const SHORT_LENGTH = RUNS_ARE_FULL ? 3 : 2;
/** Steps of at most two tokens, so that answers are few. */
const STEPS: RsdOptions = { stepTokenCountMax: 2 };

/** A step goes on, ends, or ends the answer; with other chances for each model and place. */
function script(salt: number): (prefix: readonly TokenId[]) => number[] {
  return (prefix) => {
    const place = prefix.length + salt + (prefix.at(-1) ?? 0);
    const weights = [1 + (place % 3), 1 + ((place * 2) % 5), 1 + ((place * salt) % 4)];
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  };
}

/** The same as a forward gives it: logits in single precision, and this program's exponential. */
function asModelGives(distribution: readonly number[]): readonly number[] {
  const program = { ...PROGRAM, distribution: true };
  const logits = Float32Array.from(distribution, Math.log);
  return [...required(runRowProgram(logits, program, 0).distribution, 'it was asked for')];
}

const PROGRAM: RowProgram = {
  ...{ vocabularySize: TOKENS.length, sampling: samplingParams({ temperature: 1 }) },
  ...{ seed: 0, purpose: 'sample' },
};

/** A reward of a step by its tokens alone. */
function rewardOf(step: readonly number[]): number {
  return ((step.reduce((sum, id) => sum * 3 + id + 1, 0) * 7) % 11) / 10;
}

const REWARD: StepReward = {
  name: 'toy',
  draftReads: {},
  needs: {},
  begin: () => ({
    score: async ({ text, rows }) => rewardOf(text.slice(text.length - rows.length)),
  }),
};

/** The answers of at most `tokenCount` tokens, as token ids, with their probabilities. */
async function distributionOf(
  strategy: Strategy,
  tokenCount: number,
): Promise<Map<string, number>> {
  let path: PathDraws | null = null;
  const model = (salt: number): ScriptedModel =>
    new ScriptedModel({
      ...{ tokens: TOKENS, endOfGeneration: [END], next: script(salt), contextLength: 64 },
      choose: (distribution) => required(path, 'a path is under way').categorical(distribution),
    });
  await using models = new ModelSet({ small: model(1), large: model(2) });
  return await enumerateDraws(async (draws) => {
    path = draws;
    const sampling = samplingParams({ temperature: 1 });
    const request = { sampling, maxTokens: tokenCount, stop: [], seed: 0, logprobs: false };
    const ids: number[] = [];
    const run = runRequest({
      ...{ request, models, strategy, draws, prompt: PROMPT, lease: models.soleLease() },
      ...{ clock: { nowMs: () => 0 }, signal: new AbortController().signal },
    });
    for await (const event of run) if (event.type === 'token') ids.push(event.tokenId);
    return ids.join(' ');
  });
}

/** The steps of one model after a text, with their probabilities. */
function stepsOf(salt: number, text: readonly TokenId[], room: number): Map<string, number> {
  const steps = new Map<string, number>();
  const write = (step: readonly TokenId[], chance: number): void => {
    const last = step.at(-1);
    const isOver = last === SEPARATOR || last === END || step.length === Math.min(2, room);
    if (isOver) return void steps.set(step.join(' '), chance);
    for (const [id, next] of asModelGives(script(salt)([...text, ...step])).entries()) {
      write([...step, ...tokenIds([id])], chance * next);
    }
  };
  write([], 1);
  return steps;
}

type Steps = ReadonlyMap<string, number>;

interface Expected {
  /** The reward of a step by itself. */
  readonly reward?: (step: readonly number[]) => number;
  readonly weighting?: WeightingName;
  readonly draftCount?: number;
  readonly judgesCorrections?: boolean;
}

const idsOf = (step: string): TokenId[] => tokenIds(step.split(' ').map(Number));

/** The best of k independent steps: the first of those with the best reward. */
function bestOf(count: number, steps: Steps, reward: (step: string) => number): Steps {
  if (count === 1) return steps;
  const best = new Map<string, number>();
  for (const [first, p] of steps) {
    for (const [other, q] of bestOf(count - 1, steps, reward)) {
      const step = reward(other) > reward(first) ? other : first;
      best.set(step, (best.get(step) ?? 0) + p * q);
    }
  }
  return best;
}

/** The next step after a text, from its definition. */
function expectedStep(
  { drafts, targets }: { readonly drafts: Steps; readonly targets: Steps },
  reward: (step: string) => number,
  weigh: (reward: number) => number,
  judgesCorrections: boolean,
): Steps {
  const next = new Map<string, number>();
  const add = (step: string, p: number) => void next.set(step, (next.get(step) ?? 0) + p);
  for (const [draft, p] of drafts) {
    add(draft, p * weigh(reward(draft)));
    for (const [target, q] of targets) {
      const keepsDraft = judgesCorrections && reward(target) < reward(draft);
      add(keepsDraft ? draft : target, p * (1 - weigh(reward(draft))) * q);
    }
  }
  return next;
}

/** P_RSD over whole answers, straight from its definition. */
function expected(delta: number, tokenCount: number, how: Expected = {}): Steps {
  const { weighting = 'binary', draftCount = 1, judgesCorrections = false } = how;
  const weigh = WEIGHTINGS[weighting](delta);
  const answers = new Map<string, number>();
  const write = (answer: readonly TokenId[], before: readonly string[], chance: number): void => {
    if (answer.at(-1) === END || answer.length === tokenCount) {
      answers.set(answer.join(' '), (answers.get(answer.join(' ')) ?? 0) + chance);
      return;
    }
    const text = [...PROMPT, ...answer];
    const room = tokenCount - answer.length;
    // The reward depends on the text before: the third of three equal steps has none.
    const isLoop = (step: string): boolean =>
      before.length > 1 && before.slice(-2).every((other) => other === step);
    const reward = (step: string): number =>
      isLoop(step) ? 0 : (how.reward ?? rewardOf)(idsOf(step));
    const drafts = bestOf(draftCount, stepsOf(1, text, room), reward);
    const both = { drafts, targets: stepsOf(2, text, room) };
    for (const [step, p] of expectedStep(both, reward, weigh, judgesCorrections)) {
      if (p > 0) write([...answer, ...idsOf(step)], [...before, step], chance * p);
    }
  };
  write([], [], 1);
  return answers;
}

/** A product over the tokens, so it never rises. */
const FACTORS = [0.9, 0.8, 0.5];
const productOf = (step: readonly number[]): number =>
  step.reduce((product, id, index) => product * (FACTORS[(id + index) % 3] ?? 1), 1);
const PRODUCT: StepReward = {
  ...REWARD,
  running: () => {
    const step: number[] = [];
    return ({ tokenId }) => {
      step.push(tokenId);
      return productOf(step);
    };
  },
  begin: () => ({ score: async ({ rows }) => productOf(rows.map(({ tokenId }) => tokenId)) }),
};

describe('the steps of RSD', () => {
  it.each<[WeightingName, number]>([
    ['binary', 0],
    ['binary', 0.3],
    ['binary', 0.5],
    ['binary', 0.9],
    ['binary', 1.1],
    ['constant', 0.3],
    ['clipped', 0],
    ['clipped', 0.4],
    ['sigmoid', 0],
    ['logistic', 0.5],
  ])('follow P_RSD, weighted %s at %d', async (weighting, delta) => {
    const strategy = rsd('toy', REWARD, delta, { ...STEPS, weighting });
    const seen = await distributionOf(strategy, LENGTH);
    expect(largestDifference(seen, expected(delta, LENGTH, { weighting }))).toBeLessThan(1e-12);
  });

  it.each<[WeightingName, number]>([
    ['binary', 0],
    ['binary', 0.5],
    ['binary', 0.8],
    ['constant', 0.3],
    ['logistic', 0.6],
  ])('follow it with the best of two drafts, weighted %s at %d', async (weighting, delta) => {
    const strategy = rsd('toy', REWARD, delta, { ...STEPS, weighting, draftCount: 2 });
    const seen = await distributionOf(strategy, SHORT_LENGTH);
    const wanted = expected(delta, SHORT_LENGTH, { weighting, draftCount: 2 });
    expect(largestDifference(seen, wanted)).toBeLessThan(1e-12);
    const single = await distributionOf(rsd('toy', REWARD, delta, STEPS), SHORT_LENGTH);
    expect(largestDifference(seen, single)).toBeGreaterThan(0.01);
  });

  it.each([0.5, 0.65, 0.9])('are the same where drafts are ended early, at %d', async (delta) => {
    for (const draftCount of [1, 2]) {
      const how = { ...STEPS, draftCount, endsDraftsEarly: true };
      const seen = await distributionOf(rsd('toy', PRODUCT, delta, how), SHORT_LENGTH);
      const wanted = expected(delta, SHORT_LENGTH, { reward: productOf, draftCount });
      expect(largestDifference(seen, wanted)).toBeLessThan(1e-12);
    }
  });

  it.each([0.5, 0.7, 0.9])('leave it where corrections are judged, at %d', async (delta) => {
    const strategy = rsd('toy', REWARD, delta, { ...STEPS, judgesCorrections: true });
    const seen = await distributionOf(strategy, SHORT_LENGTH);
    const wanted = expected(delta, SHORT_LENGTH, { judgesCorrections: true });
    expect(largestDifference(seen, wanted)).toBeLessThan(1e-12);
    expect(largestDifference(seen, expected(delta, SHORT_LENGTH))).toBeGreaterThan(0.01);
  });

  it('are those of one model at the ends', async () => {
    for (const [delta, role] of [
      [0, 'small'],
      [-1, 'small'],
      [1.001, 'large'],
    ] as const) {
      const seen = await distributionOf(rsd('toy', REWARD, delta, STEPS), LENGTH);
      const alone = await distributionOf(singleModel(role), LENGTH);
      expect(largestDifference(seen, alone)).toBeLessThan(1e-12);
    }
  });
});

describe('the notes of a request', () => {
  /** Its rewards are 0.5, 0.52, 0.54 and 0.56 in turn. */
  const graded: StepReward = {
    ...REWARD,
    begin: () => ({
      score: async ({ rows, text }) => 0.5 + 0.02 * ((text.length - rows.length) % 4),
    }),
  };
  const notesAt = async (delta: number, tokenCount: number, options: RsdOptions = {}) => {
    const plain = (salt: number) =>
      new ScriptedModel({
        ...{ tokens: TOKENS, endOfGeneration: [END], contextLength: 64 },
        // Steps that repeat those before them would have the reward 0.
        next: ({ length }) => [length % 2, 1 - (length % 2), 0],
        name: `model ${salt}`,
      });
    await using models = new ModelSet({ small: plain(1), large: plain(2) });
    const request = { sampling: samplingParams({}), maxTokens: tokenCount, stop: [], seed: 0 };
    const run = runRequest({
      ...{ request: { ...request, logprobs: false }, models, prompt: PROMPT, unit: 'step' },
      ...{ strategy: rsd('toy', graded, delta, { separators: TOKENS.slice(0, 2), ...options }) },
      ...{ lease: models.soleLease(), clock: { nowMs: () => 0 } },
      signal: new AbortController().signal,
    });
    for await (const event of run) if (event.type === 'summary') return event.notes;
    return [];
  };

  it('advise where every reward lies on one side of the threshold', async () => {
    expect(await notesAt(0.4, 8)).toEqual([
      'none of 8 rewards lies below δ = 0.4: no step was rejected; give a δ between 0.5 and 0.56',
    ]);
    expect(await notesAt(0.9, 8)).toEqual([
      'all 8 rewards lie below δ = 0.9: every step was rejected; give a δ between 0.5 and 0.56',
    ]);
    for (const delta of [0.51, 0, 1.1]) expect(await notesAt(delta, 8)).toEqual([]);
  });

  it('say nothing after a few steps, nor where no threshold decides', async () => {
    expect(await notesAt(0.4, 5)).toEqual([]);
    expect(await notesAt(0.4, 8, { weighting: 'clipped' })).toEqual([]);
  });
});

describe('the expected reward of a step', () => {
  const expectation = (steps: ReadonlyMap<string, number>): number =>
    [...steps].reduce((sum, [step, p]) => sum + p * rewardOf(step.split(' ').map(Number)), 0);
  const [ofSmall, ofLarge] = [
    expectation(stepsOf(1, PROMPT, 2)),
    expectation(stepsOf(2, PROMPT, 2)),
  ];

  /** Of one step, and the share of drafts that are rejected. */
  function mixed(delta: number): { readonly reward: number; readonly rejected: number } {
    const weigh = WEIGHTINGS.binary(delta);
    let [reward, rejected] = [0, 0];
    for (const [step, p] of stepsOf(1, PROMPT, 2)) {
      const own = rewardOf(step.split(' ').map(Number));
      reward += p * weigh(own) * own;
      rejected += p * (1 - weigh(own));
    }
    return { reward: reward + rejected * ofLarge, rejected };
  }

  it('is best at a threshold near the reward that the large model expects (2.3)', () => {
    const deltas = Array.from({ length: 111 }, (_, index) => index / 100);
    const best = Math.max(...deltas.map((delta) => mixed(delta).reward));
    expect(mixed(ofLarge).reward).toBeCloseTo(best, 12);
  });

  it('is at least that of the small model where the large one expects more (2.2)', () => {
    expect(ofLarge).not.toBe(ofSmall);
    const floor = Math.min(ofSmall, ofLarge);
    for (let delta = 0; delta <= 1.1; delta += 0.05) {
      expect(mixed(delta).reward).toBeGreaterThanOrEqual(floor - 1e-12);
    }
  });

  it('rejects no fewer drafts at a higher threshold', () => {
    for (let delta = 0; delta < 1.1; delta += 0.05) {
      expect(mixed(delta + 0.05).rejected).toBeGreaterThanOrEqual(mixed(delta).rejected);
    }
  });
});
