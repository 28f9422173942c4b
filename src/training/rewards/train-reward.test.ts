import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TokenId } from '../../core/token-id.ts';
import { questionNumber } from '../../evaluation/question-key.ts';
import { PrefixCache } from '../../kv-cache/prefix-cache.ts';
import {
  END,
  goOn,
  largeAlone,
  MAX_TOKENS,
  type NumberWorld,
  numberWorld,
  promptOf,
  questionOf,
  smallAlone,
  worthOf,
} from '../fakes/number-world.ts';
import { type LabelledSteps, type LabelStepsOptions, labelSteps } from '../steps/label-steps.ts';
import { answersOf } from '../steps/read-steps.ts';
import { largeValue, stepLabel } from '../steps/step-tree.ts';
import { TrainingPair } from '../training-pair.ts';
import { type TrainRewardOptions, trainReward } from './train-reward.ts';

/** The text that ends a step in the world: tokens are '; 1' to '; 4'. */
const SEPARATOR = '3';
const SEPARATOR_ID = 2;
const ASKED = Array.from({ length: 24 }, (_, index) => ({
  question: questionOf(index),
  prompt: promptOf(index),
}));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilotfish-rewards-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function labelling(
  world: NumberWorld,
  changes: Partial<LabelStepsOptions> = {},
): LabelStepsOptions {
  return {
    ...{ pair: world.pair, folder, separators: [SEPARATOR], maxTokens: MAX_TOKENS },
    ...{ stateCountMax: 64, waveSize: 4, label: 'advantage', rolloutCountMax: 1e6 },
    values: { finisher: 'large', draws: { count: 1, temperature: 1 }, seed: 1 },
    read: { hidden: true, large: 'logprob' },
    ...changes,
  };
}

function training(
  world: NumberWorld,
  changes: Partial<TrainRewardOptions> = {},
): TrainRewardOptions {
  const { read: _, ...options } = labelling(world);
  return {
    ...{ ...options, strategy: 'rsd', asked: ASKED, answerCount: 2, facts: { seed: 1 } },
    boundTo: { small: { name: 's', digest: '5' }, large: { name: 'l', digest: '6' } },
    features: { hidden: true, large: 'none', tokens: 'all' },
    fit: {
      shape: { hidden: [{ size: 8, activation: true }], dropout: 0 },
      ...{ rate: 0.01, weightDecay: 0, batchSize: 32, epochCountMax: 12, patience: 12 },
      ...{ validationShare: 0.25, balanceMax: 1, seed: 1 },
    },
    ...changes,
  };
}

/** The first step of a continuation. */
function firstStep(written: readonly TokenId[]): readonly TokenId[] {
  const end = written.findIndex((token) => token === SEPARATOR_ID || token === END);
  return end < 0 ? written : written.slice(0, end + 1);
}

const wholeLength = (prompt: readonly TokenId[]): number => prompt.length + MAX_TOKENS;

/** Calls back with every state of every tree: its text, and what the tree says. */
function eachState(
  { examples, asked }: LabelledSteps,
  check: (at: {
    readonly text: readonly TokenId[];
    readonly state: number;
    readonly example: LabelledSteps['examples'][number];
    readonly asked: LabelledSteps['asked'][number];
  }) => void,
): void {
  for (const [index, example] of examples.entries()) {
    const one = asked[index] ?? ASKED[0];
    if (one === undefined) continue;
    for (const [state, answer] of answersOf(example.tree).entries()) {
      check({ text: [...one.prompt, ...answer], state, example, asked: one });
    }
  }
}

describe('labelled steps', () => {
  it("hold both models' own steps and the worth of what follows", async () => {
    const world = numberWorld();
    const labelled = await labelSteps(ASKED, labelling(world));
    let stepCount = 0;
    eachState(labelled, ({ text, state, example: { tree, readings, labels }, asked }) => {
      const { prompt, question } = asked;
      const lengthMax = wholeLength(prompt);
      const { value, small, large } = tree[state] ?? { value: null, small: null, large: null };
      const finished = [...text, ...goOn(largeAlone, text, lengthMax)].slice(prompt.length);
      expect(largeValue(tree, state)).toBe(worthOf(finished, question));
      if (value !== null) return;
      stepCount += 1;
      expect(small?.tokens).toEqual(firstStep(goOn(smallAlone, text, lengthMax)));
      expect(large?.tokens).toEqual(firstStep(goOn(largeAlone, text, lengthMax)));
      expect(labels[state]).toBe(stepLabel(tree, state));
      // Hidden state, three uncertainties and the large model's log-probability of each scored token.
      const scored = Math.max(1, (small?.tokens.length ?? 0) - 1);
      expect(readings[state]?.length).toBe(scored * (3 + 3 + 1));
    });
    expect(stepCount).toBeGreaterThan(ASKED.length);
    expect(world.openCount()).toBe(0);
  });

  it('are the same where few sequences go on from what they have read', async () => {
    const bare = numberWorld();
    const all = await labelSteps(ASKED, labelling(bare));
    const few = numberWorld({ sequenceCountMax: 6 });
    const { small, large } = few.models;
    const pools = {
      small: new PrefixCache({ model: small }),
      large: new PrefixCache({ model: large }),
    };
    const pair = new TrainingPair(few.models, pools);
    const pooled = { ...labelling(few), pair, folder: join(folder, 'pooled') };
    expect(await labelSteps(ASKED, pooled)).toEqual(all);
    expect(few.fedCount()).toBeLessThan(0.9 * bare.fedCount());
    for (const pool of Object.values(pools)) await pool[Symbol.asyncDispose]();
    expect(few.openCount()).toBe(0);
  });

  it('are found again without another forward', async () => {
    const first = await labelSteps(ASKED, labelling(numberWorld()));
    const world = numberWorld();
    expect(await labelSteps(ASKED, labelling(world))).toEqual(first);
    expect(world.fedCount()).toBe(0);
    // Other limits are other trees.
    await labelSteps(ASKED.slice(0, 1), labelling(world, { maxTokens: MAX_TOKENS - 1 }));
    expect(world.fedCount()).toBeGreaterThan(0);
  });

  it('are continued where a run was interrupted', async () => {
    const whole = await labelSteps(ASKED, labelling(numberWorld()));
    await rm(folder, { recursive: true, force: true });
    const stop = new AbortController();
    const onProgress = (): void => stop.abort();
    const broken = labelSteps(ASKED, labelling(numberWorld(), { signal: stop.signal, onProgress }));
    await expect(broken).rejects.toMatchObject({ code: 'aborted' });
    expect(await labelSteps(ASKED, labelling(numberWorld()))).toEqual(whole);
  });

  it('have values by the small model, too', async () => {
    const values = { finisher: 'small', draws: { count: 1, temperature: 1 }, seed: 1 } as const;
    const labelled = await labelSteps(ASKED, labelling(numberWorld(), { values, label: 'value' }));
    expect(labelled.rolloutCount).toBeGreaterThan(0);
    eachState(labelled, ({ text, state, example: { tree, labels }, asked }) => {
      const edge = tree[state]?.small ?? null;
      if (edge === null) return;
      const { prompt, question } = asked;
      const after = [...text, ...edge.tokens];
      const rest = after.at(-1) === END ? [] : goOn(smallAlone, after, wholeLength(prompt));
      expect(labels[state]).toBe(worthOf([...after, ...rest].slice(prompt.length), question));
    });
  });

  it('are soft by several rollouts, as many as the cap allows', async () => {
    const values = { finisher: 'both', draws: { count: 3, temperature: 1 }, seed: 1 } as const;
    const all = await labelSteps(ASKED, labelling(numberWorld(), { values }));
    const labels = all.examples.flatMap((example) => example.labels);
    expect(labels.some((label) => label !== null && label > 0 && label < 1)).toBe(true);
    expect(labels.every((label) => label === null || (label >= 0 && label <= 1))).toBe(true);
    const rolloutCountMax = Math.floor(all.rolloutCount / 2);
    const some = await labelSteps(ASKED, labelling(numberWorld(), { values, rolloutCountMax }));
    expect(some.skippedCount).toBeGreaterThan(0);
    expect(some.rolloutCount).toBeLessThanOrEqual(rolloutCountMax);
    expect(some.examples).toHaveLength(ASKED.length - some.skippedCount);
  });

  it('end at the limit of states, where only the large model writes on', async () => {
    const { examples } = await labelSteps(ASKED, labelling(numberWorld(), { stateCountMax: 2 }));
    for (const { tree } of examples) {
      expect(tree.filter(({ small }) => small !== null).length).toBeLessThanOrEqual(2);
      expect(tree.every(({ value, large }) => value !== null || large !== null)).toBe(true);
    }
  });
});

describe('a trained reward', () => {
  it('is the same for the same seed, also when its training was interrupted', async () => {
    const { reward, bytes, report } = await trainReward(training(numberWorld()));
    expect(reward.trainedOn).toEqual(
      new Set(ASKED.map(({ question }) => questionNumber(question))),
    );
    expect(reward).toMatchObject({ strategy: 'rsd', separators: [SEPARATOR], hiddenSize: 3 });
    expect(reward.calibration?.points.length).toBeGreaterThan(0);
    expect(report.questionCount).toBe(ASKED.length);
    expect(report.harmfulShare).toBeGreaterThan(0);
    expect(report.bestAccuracy).toBeGreaterThanOrEqual(report.largeAccuracy);
    expect(report.bestOf).toMatchObject({ questionCount: 6, answerCount: 2 });
    await rm(folder, { recursive: true, force: true });
    const stop = new AbortController();
    const onProgress = ({ label, done }: { label: string; done: number }): void => {
      if (label === 'Training the network' && done === 4) stop.abort();
    };
    const signal = stop.signal;
    await expect(
      trainReward(training(numberWorld(), { signal, onProgress })),
    ).rejects.toMatchObject({ code: 'aborted' });
    expect((await trainReward(training(numberWorld()))).bytes).toEqual(bytes);
  });

  it('is refused where no step does harm', async () => {
    const asked = ASKED.slice(0, 1).map(({ question, prompt }) => ({
      question: { ...question, answer: '99' },
      prompt,
    }));
    await expect(trainReward(training(numberWorld(), { asked }))).rejects.toMatchObject({
      code: 'training-data-insufficient',
      message: expect.stringContaining('harmless'),
    });
  });

  it('names the cap on rollouts where it left too little', async () => {
    const draws = { count: 2, temperature: 1 };
    const values = { finisher: 'large', draws, seed: 1 } as const;
    const capped = training(numberWorld(), { values, rolloutCountMax: 1 });
    await expect(trainReward(capped)).rejects.toMatchObject({
      code: 'training-data-insufficient',
      remedy: 'The cap left 18 questions out: give a larger --rollout-cap, or fewer --rollouts.',
    });
  });
});
