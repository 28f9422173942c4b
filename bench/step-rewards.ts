/**
 * An experiment before rewards can be trained from the command line: how far a token head gets on the
 * pocket pair. It grows the tree of steps of each problem (both models' greedy steps at every state that
 * a mixture of their steps reaches), trains a head on three quarters of the problems, and replays every
 * threshold on the rest. So all thresholds are judged on the same states, exactly.
 *
 *   npm run --silent bench:step-rewards -- [--small NAME] [--problems N] [--seed N] [--json]
 */
import { Command } from 'commander';
import { BUNDLED_MODELS, bundledPath } from '../src/catalog/bundled-models.ts';
import { required } from '../src/core/invariant.ts';
import { Engine } from '../src/engine/engine.ts';
import { POCKET } from '../src/evaluation/tasks/pocket-task.ts';
import type { RewardFeatures } from '../src/judging/reward-features.ts';
import { type LlamaCppModel, loadModel } from '../src/model/llama-cpp/model.ts';
import type { LanguageModel } from '../src/model/roles.ts';
import { fitReward } from '../src/training/fit/fit-reward.ts';
import { runJobs } from '../src/training/rollouts/run-jobs.ts';
import { growTree } from '../src/training/steps/grow-tree.ts';
import { readSteps } from '../src/training/steps/read-steps.ts';
import { type StepExample, stepRows } from '../src/training/steps/step-rows.ts';
import { bestValue, largeValue, stateOf, walk } from '../src/training/steps/step-tree.ts';
import { TrainingPair } from '../src/training/training-pair.ts';

interface Settings {
  readonly small: string;
  readonly problems: string;
  readonly seed: string;
  readonly json?: boolean;
}

const settings = new Command()
  .option('--small <NAME>', 'pocket-small or pocket-small-strong', 'pocket-small-strong')
  .option('--problems <N>', 'problems to grow trees for', '400')
  .option('--seed <N>', 'chooses the problems, and seeds the training', '77')
  .option('--json', 'print results as JSON')
  .parse()
  .opts<Settings>();

const SIDE_BY_SIDE = 8;
const DELTAS = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
const FIT = {
  shape: { hidden: [{ size: 48, activation: true }], dropout: 0.1 },
  ...{ rate: 1e-3, weightDecay: 0.01, batchSize: 256, epochCountMax: 100, patience: 10 },
  validationShare: 0.25,
};

/** At one threshold, on held-out problems. */
interface Replay {
  readonly delta: number;
  readonly accuracy: number;
  /** Of steps. */
  readonly rejectedShare: number;
  /** 2·N for each token that a model wrote, discarded ones included, as a part of the large model alone. */
  readonly writtenFlopsRatio: number;
}

interface Measured {
  readonly features: RewardFeatures;
  readonly auc: number | null;
  readonly aucOfDiffering: number | null;
  readonly replays: readonly Replay[];
}

function open(name: string): Promise<LlamaCppModel> {
  const model = BUNDLED_MODELS.find((bundled) => bundled.name === name);
  const path = bundledPath(required(model, `${name} comes with this package`));
  return loadModel(path, { name, threadCount: 1, sequenceCountMax: 32 });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function grow(pair: TrainingPair, engine: Engine): Promise<readonly StepExample[]> {
  const [count, seed] = [Number(settings.problems), Number(settings.seed)];
  const questions = await POCKET.load({ split: 'train', seed, count });
  const examples: StepExample[] = [];
  await runJobs([...questions.entries()], SIDE_BY_SIDE, async ([index, question], signal) => {
    const prompt = engine.promptTokens({ messages: question.messages });
    const limits = { separators: ['\n\n'], maxTokens: 200, stateCountMax: 64 };
    const tree = await growTree(question, prompt, { pair, ...limits, signal });
    examples[index] = { tree, readings: await readSteps(tree, prompt, pair, signal) };
  });
  return examples;
}

async function measure(
  examples: readonly StepExample[],
  features: RewardFeatures,
  pair: TrainingPair,
): Promise<Measured> {
  const rows = stepRows(examples, features, pair.models.small.facts.hiddenSize);
  const fit = await fitReward({ ...FIT, rows, seed: Number(settings.seed) });
  const rewards = new Map<string, number>();
  const heldOut = new Set<number>();
  for (const [step, [question, state]] of rows.places.entries()) {
    rewards.set(`${question} ${state}`, required(fit.rewards[step], 'a reward'));
    if (fit.isHeldOut[step] === 1) heldOut.add(question);
  }
  const sizeOf = ({ facts: { parameterCounts } }: LanguageModel): number =>
    parameterCounts.body + parameterCounts.outputHead;
  const ratio = sizeOf(pair.models.small) / sizeOf(pair.models.large);
  const replays = DELTAS.map((delta): Replay => {
    let [written, alone, stepCount, rejectedCount] = [0, 0, 0, 0];
    const values = [...heldOut].map((question) => {
      const { tree } = required(examples[question], 'an example');
      const { states, kept, value } = walk(
        tree,
        (state) => (rewards.get(`${question} ${state}`) ?? 1) >= delta,
      );
      for (const [at, state] of states.entries()) {
        const step = stateOf(tree, state);
        stepCount += 1;
        written += ratio * (step.small?.tokens.length ?? 0);
        if (kept[at] === true) continue;
        rejectedCount += 1;
        written += step.large?.tokens.length ?? 0;
      }
      for (const state of walk(tree, () => false).states) {
        alone += stateOf(tree, state).large?.tokens.length ?? 0;
      }
      return value;
    });
    return {
      delta,
      accuracy: mean(values),
      rejectedShare: rejectedCount / stepCount,
      writtenFlopsRatio: written / alone,
    };
  });
  return { features, auc: fit.auc, aucOfDiffering: fit.aucOfDiffering, replays };
}

const small = await open(settings.small);
const large = await open('pocket-large');
const pair = new TrainingPair({ small, large });
await using engine = new Engine({ models: { small, large } });
const examples = await grow(pair, engine);
const of = (value: (example: StepExample) => number): number => mean(examples.map(value));
const levels = {
  small: of(({ tree }) => walk(tree, () => true).value),
  large: of(({ tree }) => largeValue(tree, 0)),
  best: of(({ tree }) => bestValue(tree, 0)),
  statesPerProblem: of(({ tree }) => tree.length),
};
const measured: Measured[] = [];
for (const largeLogprob of [false, true]) {
  measured.push(await measure(examples, { hidden: true, largeLogprob }, pair));
}
print(JSON.stringify({ levels, measured }, null, settings.json === true ? 0 : 1));

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
