/**
 * CITER's rounds (arXiv 2502.01976, section 3.4). The first router learns from labels by rollouts of one
 * model alone, the small model in the paper. From then on the router of the round before takes part in
 * the rollouts, and its own answers become trajectories, too, so that a router is judged in the states
 * that routing leads to. Each round's network begins anew. Objectives without rollouts have one round.
 */
import { join } from 'node:path';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import type { Progressing } from '../../core/progress.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import { type Router, type RouterFacts, withEmbeddings } from '../../judging/router.ts';
import type {
  RouterFeatures,
  StateFeatures,
  TokenEmbedding,
} from '../../judging/router-features.ts';
import { decodeRouter, encodeRouter } from '../../judging/router-file.ts';
import { inTurns, type Steps } from '../../network/steps.ts';
import { type Fit, type FitSettings, fitRouter } from '../fit/fit-router.ts';
import { KeptCheckpoint } from '../fit/kept-checkpoint.ts';
import { reliabilityPoints } from '../fit/reliability-points.ts';
import { routerIdentity } from '../fit/router-identity.ts';
import { type LabelledExample, type TrainingRows, trainingRows } from '../fit/training-rows.ts';
import { labelTrajectories } from '../labels/label-trajectories.ts';
import { type Target, usesRollouts } from '../labels/targets.ts';
import { branchesFor, targetsFor } from '../labels/targets-of.ts';
import { type OutcomeStore, openOutcomes } from '../rollouts/outcome-store.ts';
import { FIRST_POLICIES, type Policy, routerPolicy } from '../rollouts/policy.ts';
import type { RolloutPlan } from '../rollouts/rollout-plan.ts';
import { type Example, ExampleStore } from '../traces/example-store.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';
import { calibrationAlong, policyCut, tokenScores } from './calibrate-along.ts';
import { type LabelCounts, labelCounts } from './label-counts.ts';
import type { TrainingPlan } from './training-plan.ts';
import { writeAnswers } from './write-answers.ts';

export interface TrainRouterOptions
  extends Pick<TrainingPlan, 'objective' | 'roundCount' | 'rolloutCountMax' | 'firstPolicy'>,
    Progressing {
  readonly pair: TrainingPair;
  /** The pair that the router is bound to. */
  readonly boundTo: RouterFacts['pair'];
  /** The trajectories of the first round's labels, one or more for each question. */
  readonly trajectories: readonly Trajectory[];
  readonly rollouts: RolloutPlan;
  /**
   * The share of tokens that the policy of later rounds calls for; null: twice the share that labels
   * call for.
   */
  readonly policyShare: number | null;
  readonly features: RouterFeatures;
  readonly fit: FitSettings;
  /** The most tokens of an answer. */
  readonly maxTokens: number;
  /** The folder of labels and checkpoints. */
  readonly folder: string;
  /** The digests of the questions (see `Router.trainedOn`). */
  readonly trainedOn: ReadonlySet<number>;
  /** How the router was made, for a reader of its file. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** Is told of every round, with its router's file. The last router is the one returned. */
  readonly onRound?: ((report: RoundReport, bytes: Uint8Array) => Promise<void> | void) | undefined;
}

export interface RoundReport extends LabelCounts {
  readonly round: number;
  /** Trajectories of the labels, without those that the cap left out. */
  readonly trajectoryCount: number;
  /** Rollouts that were needed, whether now or earlier. */
  readonly rolloutCount: number;
  /**
   * The share of tokens that the rollouts' policy called for. 0 or 1: one model alone, or no rollouts.
   */
  readonly policyShare: number;
  readonly auc: number | null;
  readonly aucOfDiffering: number | null;
  readonly bestEpoch: number;
  /** The calibration error of the scores against held-out labels. */
  readonly calibrationError: number | null;
  readonly validationLoss: number;
}

export interface TrainedRouter {
  readonly router: Router;
  readonly bytes: Uint8Array;
  readonly rounds: readonly RoundReport[];
}

/** The file in a training's folder that holds the answers written as trajectories. */
export const WRITTEN_FILE = 'written.jsonl';

/** The features of traces, for any router that may be trained on them. */
export const READ_FEATURES: StateFeatures = { hidden: true, topLogprobs: 32 };

/**
 * @throws PilotfishError `training-data-insufficient`, `training-diverged`, `training-invalid`,
 *   `aborted`; the labels and training steps until then are kept
 */
export async function trainRouter(options: TrainRouterOptions): Promise<TrainedRouter> {
  const stores = {
    examples: await ExampleStore.open(join(options.folder, 'readings.jsonl')),
    outcomes: await openOutcomes(join(options.folder, 'rollouts.jsonl')),
  };
  const rounds: RoundReport[] = [];
  let policy = FIRST_POLICIES[options.firstPolicy];
  let trained: Trained | null = null;
  const roundCount = usesRollouts(options.objective) ? options.roundCount : 1;
  for (let round = 1; round <= roundCount; round += 1) {
    trained = await runRound(round, policy, stores, options);
    rounds.push(trained.report);
    await options.onRound?.(trained.report, trained.bytes);
    policy = nextPolicy(trained, options);
  }
  const { router, bytes } = required(trained, 'there is a round');
  return { router, bytes, rounds };
}

interface Stores {
  readonly examples: ExampleStore;
  readonly outcomes: OutcomeStore;
}

interface Trained {
  readonly router: Router;
  readonly bytes: Uint8Array;
  /** Its scores of the tokens of held-out answers. */
  readonly scores: readonly number[];
  readonly report: RoundReport;
}

async function runRound(
  round: number,
  policy: Policy & { readonly share: number },
  stores: Stores,
  options: TrainRouterOptions,
): Promise<Trained> {
  const trajectories = await trajectoriesOf(round, policy, options);
  const { objective, rollouts } = options;
  const { examples, skippedCount, rolloutCount } = await labelTrajectories(trajectories, {
    ...options,
    ...stores,
    policy,
    features: READ_FEATURES,
    draws: rollouts.draws,
    seed: rollouts.seed,
    label: `Labelling, round ${round}`,
    branchesOf: (example) => branchesFor(objective, example, policy, rollouts),
  });
  if (skippedCount > 0) {
    options.onNotice?.(`The cap on rollouts left ${skippedCount} answers out.`);
  }
  const { signal } = options;
  const targetsOf = (example: Example): readonly Target[] =>
    targetsFor(objective, example, policy, rollouts, stores.outcomes);
  const labelled = await inTurns(labelledBy(targetsOf, examples), signal);
  const { hiddenSize } = options.pair.models.small.facts;
  const embeddingOf = embeddingsOf(options);
  const rows = await inTurns(
    trainingRows(labelled, options.features, READ_FEATURES, hiddenSize, embeddingOf),
    signal,
  );
  const counts = labelCounts(labelled);
  checkLabels(counts, options);
  const fit = await fitKept(round, rows, options);
  if (fit.auc === null) options.onNotice?.(ONE_SIDED);
  const made = await routerOf(fit, rows, examples, counts, options);
  const { auc, aucOfDiffering, bestEpoch, validationLoss, reliability } = fit;
  const calibrationError = reliability.expectedCalibrationError;
  const report = {
    ...counts,
    ...{ round, rolloutCount, policyShare: usesRollouts(objective) ? policy.share : 0 },
    trajectoryCount: examples.length,
    ...{ auc, aucOfDiffering, bestEpoch, validationLoss, calibrationError },
  };
  return { ...made, report };
}

/** Yields after each trajectory: a router's policy scores all of its features. */
function* labelledBy(
  targetsOf: (example: Example) => readonly Target[],
  examples: readonly Example[],
): Steps<readonly LabelledExample[]> {
  const labelled: LabelledExample[] = [];
  for (const example of examples) {
    labelled.push({ example, targets: targetsOf(example) });
    yield;
  }
  return labelled;
}

/**
 * From the second round on also includes the policy's own answers. The paper's rule takes its
 * trajectories for right, and would learn to choose what was chosen, so it gets none.
 */
async function trajectoriesOf(
  round: number,
  policy: Policy,
  options: TrainRouterOptions,
): Promise<readonly Trajectory[]> {
  if (round === 1 || options.objective === 'citer-paper') return options.trajectories;
  const { id, strategy } = policy;
  const mixed = await writeAnswers(firstOfEach(options.trajectories), {
    ...options,
    writer: { id, strategy, sampling: GREEDY, seed: 0, source: 'mixed' },
    path: join(options.folder, WRITTEN_FILE),
    label: `Answering with the router of round ${round - 1}`,
  });
  // In turn, so that a cap leaves out questions and not one kind of answers.
  return inTurn(options.trajectories, mixed);
}

function inTurn(large: readonly Trajectory[], mixed: readonly Trajectory[]): readonly Trajectory[] {
  const count = Math.max(large.length, mixed.length);
  return Array.from({ length: count }, (_, index) => [large[index], mixed[index]]).flatMap((two) =>
    two.flatMap((one) => one ?? []),
  );
}

function firstOfEach(trajectories: readonly Trajectory[]): readonly Trajectory[] {
  const first = new Map<string, Trajectory>();
  for (const trajectory of trajectories) {
    const { id } = trajectory.question;
    if (!first.has(id)) first.set(id, trajectory);
  }
  return [...first.values()];
}

/** Trains a network, from the checkpoint of an interrupted training if it was the same training. */
async function fitKept(
  round: number,
  rows: TrainingRows,
  options: TrainRouterOptions,
): Promise<Fit> {
  const { objective, fit, folder, signal } = options;
  const path = join(folder, `network-${objective}-${round}.checkpoint`);
  const kept = await KeptCheckpoint.open(path, routerIdentity({ objective, fit, rows }), options);
  let epochCount = 0;
  try {
    const fitted = await fitRouter({
      ...fit,
      ...{ objective, rows, signal },
      checkpoint: kept.checkpoint ?? undefined,
      onCheckpoint: (checkpoint) => {
        kept.keep(checkpoint);
        epochCount = checkpoint.history.length;
        const label = `Training the network of round ${round}`;
        options.onProgress?.({ label, done: epochCount, total: null, unit: 'steps' });
      },
    });
    // A later run with more rounds finds this round finished.
    await kept.write();
    return fitted;
  } catch (error) {
    await kept.write();
    throw error;
  }
}

async function routerOf(
  fit: Fit,
  rows: TrainingRows,
  examples: readonly Example[],
  counts: LabelCounts,
  options: TrainRouterOptions,
): Promise<Pick<Trained, 'router' | 'bytes' | 'scores'>> {
  const held = new Set(Array.from(fit.validationRows, (row) => rows.dataset.groups[row]));
  const heldOut = examples.filter((example) => held.has(rows.groupOf(example)));
  const large = heldOut.filter(({ trajectory: { source } }) => source !== 'mixed');
  const facts: Omit<Router, 'digest'> = {
    strategy: options.objective,
    pair: options.boundTo,
    hiddenSize: options.pair.models.small.facts.hiddenSize,
    features: options.features,
    temperature: fit.temperature,
    defaultThreshold: 0,
    calibration: null,
    reliability: reliabilityPoints(fit.reliability),
    training: options.facts,
    trainedOn: options.trainedOn,
    calibratedOn: new Set(),
    network: fit.network,
  };
  // Weights in half precision, as they will be read again.
  const ready = (bytes: Uint8Array): Router =>
    withEmbeddings(decodeRouter(bytes), embeddingsOf(options));
  const bare = ready(encodeRouter(facts));
  const scores = await inTurns(tokenScores(bare, large, READ_FEATURES), options.signal);
  const calibration = calibrationAlong(scores, `answers to ${large.length} held-out questions`);
  const wanted = DEFAULT_SHARE_FACTOR * counts.callShare;
  const reached = policyCut(scores, wanted);
  const defaultThreshold = reached.share >= wanted ? reached.threshold : 1;
  const bytes = encodeRouter({ ...facts, calibration, defaultThreshold });
  return { router: ready(bytes), bytes, scores };
}

function embeddingsOf({ pair }: TrainRouterOptions): TokenEmbedding {
  return (id) => pair.models.small.tokenEmbedding(id);
}

const ONE_SIDED =
  'All labels of the held-out answers say the same, so nothing tells how good this router is: ' +
  'train on more questions.';

/**
 * The default policy calls for twice the share that labels call for: a router cannot find all of those
 * tokens.
 */
const DEFAULT_SHARE_FACTOR = 2;

function nextPolicy(
  { router, scores, report }: Trained,
  { policyShare }: TrainRouterOptions,
): Policy & { readonly share: number } {
  const wanted = policyShare ?? DEFAULT_SHARE_FACTOR * report.callShare;
  const { threshold, share } = policyCut(scores, wanted);
  return { ...routerPolicy(router, threshold, READ_FEATURES), share };
}

/** @throws PilotfishError `training-data-insufficient` */
function checkLabels({ targetCount, lowCount }: LabelCounts, options: TrainRouterOptions): void {
  const { length } = options.trajectories;
  if (targetCount > 0 && lowCount > 0 && lowCount < targetCount) return;
  const all = lowCount === 0 ? 'keep the small model' : 'call the large one';
  const seen =
    targetCount === 0
      ? `There are no labels in ${length === 0 ? 'no' : length} answers`
      : `All ${targetCount} labels of ${length} answers say: ${all}`;
  throw new PilotfishError('training-data-insufficient', `${seen}: there is nothing to learn.`, {
    remedy:
      'Train on more questions, or on questions that one model can answer and the other cannot.',
    fields: { targetCount, lowCount },
  });
}
