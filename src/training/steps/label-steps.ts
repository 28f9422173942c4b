/**
 * From questions to labelled steps: grows the tree of each question, rolls out its states where labels
 * need that, and reads its steps. All of it is kept, so an interrupted run continues where it stopped.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { required } from '../../core/invariant.ts';
import type { Progressing } from '../../core/progress.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Question } from '../../evaluation/question.ts';
import { openOutcomes } from '../rollouts/outcome-store.ts';
import { runCounted } from '../rollouts/run-jobs.ts';
import type { TrainingPair } from '../training-pair.ts';
import { type GrowOptions, growTree } from './grow-tree.ts';
import { type ReadFeatures, readSteps } from './read-steps.ts';
import { neededRollouts, rollOutState, type ValuePlan, valuesBy } from './state-values.ts';
import type { StepExample } from './step-rows.ts';
import { type StepLabel, type StepTree, stepLabel } from './step-tree.ts';
import { openReadings, openTrees } from './tree-store.ts';

export interface AskedQuestion {
  readonly question: Question;
  readonly prompt: readonly TokenId[];
}

export interface LabelStepsOptions
  extends Pick<GrowOptions, 'separators' | 'maxTokens' | 'stateCountMax'>,
    Progressing {
  readonly pair: TrainingPair;
  /** Questions at work side by side. */
  readonly waveSize: number;
  /** The folder of trees, rollouts and readings. */
  readonly folder: string;
  readonly label: StepLabel;
  readonly values: ValuePlan;
  /** The most rollouts of states; trees whose rollouts would exceed it are left out. */
  readonly rolloutCountMax: number;
  readonly read: ReadFeatures;
}

export interface LabelledSteps {
  /** Of the questions that the cap on rollouts did not leave out, in order. */
  readonly examples: readonly StepExample[];
  /** The questions of the examples. */
  readonly asked: readonly AskedQuestion[];
  readonly skippedCount: number;
  readonly rolloutCount: number;
}

/** @throws PilotfishError as `runRequest`, `training-invalid`; what is kept until then stays valid */
export async function labelSteps(
  asked: readonly AskedQuestion[],
  options: LabelStepsOptions,
): Promise<LabelledSteps> {
  const grown = await growTrees(asked, options);
  const outcomes = await openOutcomes(join(options.folder, 'step-rollouts.jsonl'));
  const { label, values, rolloutCountMax } = options;
  let rolloutCount = 0;
  const within = grown.filter(({ tree }) => {
    const count = neededRollouts(tree, values).length;
    if (rolloutCount + count > rolloutCountMax) return false;
    rolloutCount += count;
    return true;
  });
  const jobs = within.flatMap((one) =>
    neededRollouts(one.tree, values).map((rollout) => ({ one, rollout })),
  );
  await runCounted(jobs, 'Rolling out', options, ({ one, rollout }, signal) =>
    rollOutState(rollout, { ...one, ...options, signal }, values, outcomes),
  );
  const examples = await read(within, options);
  return {
    examples: within.map(({ tree, key }, at) => {
      const valueAt = valuesBy(tree, key, values, outcomes);
      const labels = tree.map((_, state) => stepLabel(tree, state, label, valueAt));
      return { tree, labels, readings: required(examples[at], 'every tree was read') };
    }),
    asked: within,
    skippedCount: grown.length - within.length,
    rolloutCount,
  };
}

export interface GrownTree extends AskedQuestion {
  readonly key: string;
  readonly tree: StepTree;
}

/** The trees of questions, those that the folder has not yet grown now. @throws as `labelSteps` */
export async function growTrees(
  asked: readonly AskedQuestion[],
  options: Omit<LabelStepsOptions, 'label' | 'values' | 'rolloutCountMax' | 'read'>,
): Promise<readonly GrownTree[]> {
  const store = await openTrees(join(options.folder, 'trees.jsonl'));
  const keyed = asked.map((one) => ({ ...one, key: treeKey(one, options) }));
  const missing = keyed.filter((one) => store.get(one) === null);
  await runCounted(missing, 'Growing trees', options, async (one, signal) => {
    const tree = await growTree(one.question, one.prompt, { ...options, signal });
    await store.add({ key: one.key, tree });
  });
  return keyed.map((one) => ({ ...one, tree: required(store.get(one), 'it was grown').tree }));
}

async function read(
  grown: readonly GrownTree[],
  options: LabelStepsOptions,
): Promise<readonly StepExample['readings'][]> {
  const { hidden, large } = options.read;
  const name = `step-readings-${hidden ? 'hidden' : 'bare'}-${large}.jsonl`;
  const store = await openReadings(join(options.folder, name));
  const missing = grown.filter((one) => store.get(one) === null);
  await runCounted(missing, 'Reading steps', options, async ({ key, tree, prompt }, signal) => {
    const readings = await readSteps(tree, prompt, options.read, options.pair, signal);
    await store.add({ key, readings });
  });
  return grown.map((one) => required(store.get(one), 'it was read').readings);
}

const DIGEST_DIGITS = 16;

/** The question's id, with a digest of its prompt and of how the tree is grown. */
function treeKey(
  { question, prompt }: AskedQuestion,
  {
    separators,
    maxTokens,
    stateCountMax,
  }: Pick<GrowOptions, 'separators' | 'maxTokens' | 'stateCountMax'>,
): string {
  const facts = JSON.stringify([prompt, separators, maxTokens, stateCountMax]);
  const digest = createHash('sha256').update(facts).digest('hex').slice(0, DIGEST_DIGITS);
  return `${question.id} ${digest}`;
}
