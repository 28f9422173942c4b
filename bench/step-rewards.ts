/**
 * How far rewards of steps get, by replays. It grows the tree of steps of each problem (both models'
 * greedy steps at every state that a mixture of their steps reaches), so every reward and threshold is
 * judged exactly, on the same states. Rewards are trained on training problems; thresholds are chosen on
 * further training problems; results are of test problems. All trees are kept in --out.
 *
 *   npm run --silent bench:step-rewards -- [--pair NAME] [--train N] [--choose N] [--test N] [--out F]
 *     [--variants] [--json]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { loadQuestions, type QuestionOptions } from '../src/app/questions/load-questions.ts';
import { openEvaluation, trainingPair } from '../src/app/questions/open-evaluation.ts';
import { required } from '../src/core/invariant.ts';
import type { TokenId } from '../src/core/token-id.ts';
import type { Question } from '../src/evaluation/question.ts';
import { openManifest } from '../src/evaluation/run/open-manifest.ts';
import { promptsOf } from '../src/evaluation/run/prompts-of.ts';
import { fullDesign } from '../src/evaluation/screening/sample-design.ts';
import { bootstrap, drawReplicates, meanOf } from '../src/evaluation/statistics/bootstrap.ts';
import { POCKET } from '../src/evaluation/tasks/pocket-task.ts';
import type { RewardFeatures } from '../src/judging/reward-features.ts';
import { parseSeparators } from '../src/strategy/step-boundary.ts';
import { trainingCellCount } from '../src/training/cell-count.ts';
import { LABEL_SEQUENCE_COUNT } from '../src/training/sequence-counts.ts';
import { labelSteps } from '../src/training/steps/label-steps.ts';
import type { ReadFeatures } from '../src/training/steps/read-steps.ts';
import type { StepExample } from '../src/training/steps/step-rows.ts';
import { bestValue, largeValue, stepLabel, walk } from '../src/training/steps/step-tree.ts';

import {
  accuracyAt,
  costOf,
  curve,
  type DeltaPoint,
  mean,
  overLarge,
  randomCurve,
  ranking,
  totals,
} from './step-rewards/measure.ts';
import {
  type ComparedReward,
  ORACLE,
  type TrainedVariant,
  trainVariant,
  untrainedRewards,
  type Variant,
} from './step-rewards/rewards.ts';

interface Settings {
  readonly pair: string;
  readonly task: string;
  readonly testTask?: string;
  readonly data?: string;
  readonly prompt?: string;
  readonly steps: string;
  readonly states: string;
  readonly maxTokens: string;
  readonly wave: string;
  readonly train: string;
  readonly choose: string;
  readonly test: string;
  readonly seed: string;
  readonly draws: string;
  readonly limit: string;
  readonly traffic: string;
  readonly out: string;
  readonly main?: boolean;
  readonly own?: boolean;
  readonly json?: boolean;
}

const settings = new Command()
  .option('--pair <NAME>', 'the pair of models', 'pocket-strong')
  .option('--task <TASK>', 'the problems of the training', POCKET.name)
  .option('--test-task <TASK>', 'other test problems (default: those of --task)')
  .option('--data <FOLDER>', 'the folder of the published sets')
  .option('--prompt <NAME>', 'the prompt around questions')
  .option('--steps <WHERE>', 'where steps end', 'blank-line')
  .option('--states <N>', 'the most states of a question at which the small model drafts', '64')
  .option('--max-tokens <N>', 'the most tokens of an answer', '200')
  .option('--wave <N>', 'problems side by side', '16')
  .option('--train <N>', 'problems to train rewards on', '1200')
  .option('--choose <N>', 'further training problems, on which thresholds are chosen', '800')
  .option('--test <N>', 'test problems', '4000')
  .option('--seed <N>', 'chooses the problems, and seeds the training', '77')
  .option('--draws <N>', 'also train on soft labels of this number of rollouts; 0: do not', '0')
  .option('--limit <RATIO>', 'generated FLOPs (written ones where the large model reads)', '0.15')
  .option('--traffic <RATIO>', 'weight traffic, where the large model reads', '0.14')
  .option('--out <FOLDER>', 'where trees are kept', 'training/step-rewards')
  .option('--main', 'train the two main heads only')
  .option('--own', 'rewards of the small model alone: the large one reads no drafts')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const SEED = Number(settings.seed);
const SEPARATORS = parseSeparators(settings.steps);
const MAX_TOKENS = Number(settings.maxTokens);
const WAVE_SIZE = Number(settings.wave);
/** Prompts with worked examples are longer than pocket problems. */
const CONTEXT = settings.task === POCKET.name ? 512 : 2048;
const READ: ReadFeatures = { hidden: true, large: settings.own === true ? 'none' : 'logprob' };
const FIT = {
  ...{ rate: 1e-3, weightDecay: 0.01, batchSize: 256, epochCountMax: 100, patience: 10 },
  ...{ validationShare: 0.15, balanceMax: 1, seed: Number(settings.seed) },
};
const ALL: Omit<RewardFeatures, 'large'> = { hidden: true, tokens: 'all' };

/** Further training problems follow those of the training, and so never are among them. */
const load = async (which: Partial<QuestionOptions>): Promise<readonly Question[]> => {
  const common = { task: settings.task, dataFolder: settings.data, prompt: settings.prompt };
  return (await loadQuestions({ ...common, questionSeed: SEED, ...which })).questions;
};
const [trainCount, chooseCount] = [Number(settings.train), Number(settings.choose)];
const sets = {
  train: await load({ split: 'train', count: trainCount }),
  choose: await load(
    settings.task === POCKET.name
      ? { split: 'train', questionSeed: SEED + 1, count: chooseCount }
      : { split: 'train', from: trainCount, count: chooseCount },
  ),
  test: await load({
    ...{ task: settings.testTask ?? settings.task, split: 'test', count: Number(settings.test) },
  }),
};
const folder = join(settings.out, settings.pair);
const everything = Object.values(sets).flat();
await using open = await openEvaluation({
  ...{ pair: settings.pair, strategies: [], maxTokens: MAX_TOKENS, waveSize: WAVE_SIZE },
  ...{ spareSequenceCount: LABEL_SEQUENCE_COUNT, contextLength: CONTEXT, keepsRows: false },
  cellCount: trainingCellCount({
    ...{
      questions: everything,
      maxTokens: MAX_TOKENS,
      waveSize: WAVE_SIZE,
      contextLength: CONTEXT,
    },
  }),
});
await openManifest(folder, open, { maxTokens: MAX_TOKENS, waveSize: WAVE_SIZE });
await open.share(promptsOf(everything, open));
const pair = trainingPair(open);
const { small, large } = pair.models;
const sizes = { small: small.facts.hiddenSize, large: large.facts.hiddenSize };
const countOf = ({ facts: { parameterCounts } }: typeof small): number =>
  parameterCounts.body + parameterCounts.outputHead;
const ratios = {
  parameters: countOf(small) / countOf(large),
  weightBytes: small.facts.weightBytes / large.facts.weightBytes,
};

async function label(set: keyof typeof sets, draws = 1): Promise<readonly StepExample[]> {
  const asked = sets[set].map((question) => ({
    question,
    prompt: open.engine.promptTokens({ messages: question.messages }),
  }));
  let told = performance.now();
  const { examples } = await labelSteps(asked, {
    ...{ pair, folder, separators: SEPARATORS, maxTokens: MAX_TOKENS },
    ...{ stateCountMax: Number(settings.states), waveSize: WAVE_SIZE },
    ...{ label: 'advantage', rolloutCountMax: 1e9, read: READ },
    values: {
      ...{ finisher: 'large', seed: Number(settings.seed) },
      draws: { count: draws, temperature: 0.7 },
    },
    onProgress: ({ label: what, done, total }) => {
      if (performance.now() - told < 30_000) return;
      told = performance.now();
      process.stderr.write(`${set}: ${what} ${done} of ${total}\n`);
    },
  });
  return examples;
}

const [train, choose, test] = [await label('train'), await label('choose'), await label('test')];
const level = (examples: readonly StepExample[]) => ({
  questions: examples.length,
  small: mean(examples.map(({ tree }) => walk(tree, () => true).value)),
  large: mean(examples.map(({ tree }) => largeValue(tree, 0))),
  best: mean(examples.map(({ tree }) => bestValue(tree, 0))),
  statesPerQuestion: mean(examples.map(({ tree }) => tree.length)),
});
const relabelled = train.map((example) => ({
  ...example,
  labels: example.tree.map((_, state) => stepLabel(example.tree, state, 'value')),
}));
const half = train.slice(0, Math.floor(train.length / 2));
const soft = Number(settings.draws) > 0 ? await label('train', Number(settings.draws)) : null;
const isRead = ({ large: reads }: Pick<RewardFeatures, 'large'>): boolean =>
  reads === 'none' || settings.own !== true;
const bare = { ...ALL, hidden: false };
const last = { ...ALL, tokens: 'last' } as const;
const trained: TrainedVariant[] = [];
const variants = (
  [
    { name: 'token head, small only', features: { ...ALL, large: 'none' }, examples: train },
    { name: 'token head, large reads', features: { ...ALL, large: 'logprob' }, examples: train },
    { name: 'token head, half the problems', features: { ...ALL, large: 'none' }, examples: half },
    { name: 'token head, uncertainty only', features: { ...bare, large: 'none' }, examples: train },
    {
      name: 'token head, 128 units',
      features: { ...ALL, large: 'none' },
      examples: train,
      width: 128,
    },
    {
      name: 'token head, label "value"',
      features: { ...ALL, large: 'none' },
      examples: relabelled,
    },
    { name: "the step's end only", features: { ...last, large: 'none' }, examples: train },
    ...(soft === null
      ? []
      : [
          {
            name: 'token head, soft labels',
            features: { ...ALL, large: 'none' } as const,
            examples: soft,
          },
        ]),
  ] satisfies Variant[]
).filter(({ features }) => isRead(features));
for (const variant of settings.main === true ? variants.slice(0, 2) : variants) {
  trained.push(await trainVariant(variant, READ, sizes, FIT));
  process.stderr.write(`trained: ${variant.name}\n`);
}

const bytesOf = (id: TokenId): Uint8Array => small.vocabulary.tokenBytes(id);
const replicates = drawReplicates(fullDesign(test.length), { seed: 1 });
const random = randomCurve(test, ratios);
const oracleCurve = curve(test, ORACLE, ratios, [0.5]);
const [oracle] = oracleCurve;
const levels = { train: level(train), choose: level(choose), test: level(test) };

/** Chooses δ on training problems and reports it on the test problems. */
function report(compared: ComparedReward) {
  const face = compared.largeReads ? 'writtenFlops' : 'generatedFlops';
  const chosenOn = curve(choose, compared, ratios);
  const reaching = costOf(chosenOn, levels.choose.large, face);
  const within = chosenOn.filter(
    (point) =>
      point[face] <= Number(settings.limit) &&
      (!compared.largeReads || point.weightTraffic <= Number(settings.traffic)),
  );
  const best = [...within].sort((a, b) => b.accuracy - a.accuracy || a[face] - b[face])[0] ?? null;
  const onTest = curve(test, compared, ratios);
  return {
    reward: compared.name,
    ...ranking(test, compared),
    // Looks at the test problems, as the trials did: how the curve lies, no result of a chosen δ.
    reachesLargeAt: costOf(onTest, levels.test.large, face)?.[face] ?? null,
    chosenToReachLarge: reaching && tested(compared, reaching.delta),
    chosenBestWithinLimit: best && tested(compared, best.delta),
    curve: onTest.map(({ values: _, ...point }) => point),
  };
}

/** The values of each reward's last tested δ, the best one within the limit, for paired differences. */
const answered = new Map<string, readonly number[]>();

/** In points, paired by question, both at their best δ within the limit. */
function difference(one: string, other: string) {
  const [a, b] = [answered.get(one) ?? [], answered.get(other) ?? [Number.NaN]];
  const differences = a.map((value, question) => 100 * (value - (b[question] ?? 0)));
  return {
    ...{ one, other, mean: mean(differences) },
    interval: bootstrap(replicates, meanOf(differences)),
  };
}

function tested(compared: ComparedReward, delta: number) {
  const [point] = curve(test, compared, ratios, [delta]);
  const { values, ...shown } = required(point, 'a point');
  answered.set(compared.name, values);
  const atSameCost = accuracyAt(random, shown.generatedFlops);
  const top = required(oracle, 'the oracle').accuracy;
  return {
    ...shown,
    overLarge: overLarge(test, values, replicates),
    randomAtSameGeneratedFlops: atSameCost,
    wayFromRandomToOracle: (shown.accuracy - atSameCost) / (top - atSameCost),
    wayToCeiling: (shown.accuracy - levels.test.large) / (levels.test.best - levels.test.large),
  };
}

const shown = (point: DeltaPoint | undefined) => {
  const { values: _, ...rest } = required(point, 'a point');
  return rest;
};
const results = {
  pair: settings.pair,
  seed: Number(settings.seed),
  ratios,
  levels,
  alone: { small: totals(test, () => true, ratios, false).writtenFlops },
  oracle: shown(oracle),
  random: random.map(shown),
  rewards: [...untrainedRewards(READ, sizes, bytesOf), ...trained].map(report),
  get differences() {
    return [
      difference('token head, small only', 'small, mean log-probability'),
      difference('token head, small only', 'small, least class log-probability'),
      difference('token head, small only', 'small, least class margin'),
      difference('token head, large reads', 'large, least log-probability'),
      difference('token head, large reads', 'large, least class log-probability'),
    ].filter(({ mean: over }) => !Number.isNaN(over));
  },
};
const path = join(folder, 'results.json');
writeFileSync(path, `${JSON.stringify(results, null, 1)}\n`);
if (settings.json === true) process.stdout.write(`${JSON.stringify(results)}\n`);
else print();

function print(): void {
  const percent = (value: number | null): string =>
    value === null ? '–' : (100 * value).toFixed(1);
  const { test: on } = levels;
  const lines = [
    `${settings.pair}: ${on.questions} test problems; small ${percent(on.small)} %, large ` +
      `${percent(on.large)} %, any path ${percent(on.best)} %; oracle ${percent(results.oracle.accuracy)} % ` +
      `at ${results.oracle.generatedFlops.toFixed(3)}`,
    'reward | AUC | of differing | reaches large at | δ chosen to reach large: accuracy, over large, ' +
      'generated, written, traffic, rejected, random | best within the limit: the same',
    ...results.rewards.map((one) => {
      const part = (chosen: ReturnType<typeof tested> | null): string => {
        if (chosen === null) return 'never';
        const { mean: over, interval } = chosen.overLarge;
        const range =
          interval === null ? '' : ` (${interval.low.toFixed(2)} to ${interval.high.toFixed(2)})`;
        return (
          `${percent(chosen.accuracy)} %, ${over.toFixed(2)}${range}, ${chosen.generatedFlops.toFixed(3)}, ` +
          `${chosen.writtenFlops.toFixed(3)}, ${chosen.weightTraffic.toFixed(3)}, ` +
          `${percent(chosen.rejectedShare)} %, ` +
          `${percent(chosen.randomAtSameGeneratedFlops)} %`
        );
      };
      return [
        one.reward,
        one.auc?.toFixed(3) ?? '–',
        one.aucOfDiffering?.toFixed(3) ?? '–',
        one.reachesLargeAt?.toFixed(3) ?? 'never',
        part(one.chosenToReachLarge),
        part(one.chosenBestWithinLimit),
      ].join(' | ');
    }),
    ...results.differences.map(
      ({ one, other, mean: over, interval }) =>
        `${one} less ${other}: ${over.toFixed(2)} (${interval?.low.toFixed(2)} to ${interval?.high.toFixed(2)})`,
    ),
    `All points are in ${path}.`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
