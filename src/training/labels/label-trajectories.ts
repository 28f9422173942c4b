/**
 * Reads trajectories and rolls their branches out, some trajectories at a time: their rollouts run
 * side by side, in the executor's batches, each a fork of its trajectory. What is in the stores is not
 * done again, so this can be stopped at any moment.
 */
import { required } from '../../core/invariant.ts';
import type { OnProgress } from '../../core/progress.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { StateFeatures } from '../../judging/router-features.ts';
import { readAlong } from '../../kv-cache/read-along.ts';
import type { BranchKey, OutcomeStore } from '../rollouts/outcome-store.ts';
import type { Policy } from '../rollouts/policy.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { drawSeed, endsName, type RolloutDraws, samplingOf } from '../rollouts/rollout-plan.ts';
import { isFull, runJobs, runJobsThatFit } from '../rollouts/run-jobs.ts';
import { BRANCH_COUNT, FORK_POINT_COUNT } from '../sequence-counts.ts';
import type { Example, ExampleStore } from '../traces/example-store.ts';
import { ForkPoint } from '../traces/fork-point.ts';
import { traceTrajectory } from '../traces/trace-trajectory.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';
import { valueOfText } from '../value-of-text.ts';
import type { Branch } from './preferences.ts';

export interface LabellingOptions {
  readonly pair: TrainingPair;
  readonly examples: ExampleStore;
  readonly outcomes: OutcomeStore;
  readonly features: StateFeatures;
  readonly policy: Policy;
  readonly draws: RolloutDraws;
  readonly seed: number;
  /** Which branches of an example are needed; none where an objective rolls nothing out. */
  readonly branchesOf: (example: Example) => readonly Branch[];
  /** Rollouts that labels may need at most, whether they are run now or were before. */
  readonly rolloutCountMax: number;
  /** Tokens of an answer at most. */
  readonly maxTokens: number;
  /** Of the progress. */
  readonly label: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Trajectories that are read side by side. In a batch with another one the last digits of hidden states
 * would depend on which two met, and no router could be made again.
 */
const READING_COUNT = 1;

export interface Labelled {
  /** Of the first trajectories, in their order, as far as the cap goes. */
  readonly examples: readonly Example[];
  /** Trajectories behind them, which the cap left out. */
  readonly skippedCount: number;
  /** Rollouts that the examples needed, whether they were run now or before. */
  readonly rolloutCount: number;
}

/** @throws PilotfishError as `Sequence.forward`, `aborted`; what was done so far is in the stores */
export async function labelTrajectories(
  trajectories: readonly Trajectory[],
  options: LabellingOptions,
): Promise<Labelled> {
  const { label, rolloutCountMax } = options;
  const all: Example[] = [];
  let rolloutCount = 0;
  const report = (): void =>
    options.onProgress?.({ label, done: all.length, total: trajectories.length, unit: 'steps' });
  report();
  for (let from = 0; from < trajectories.length; from += FORK_POINT_COUNT) {
    const group = trajectories.slice(from, from + FORK_POINT_COUNT);
    const { examples, rolled } = await labelFitting(group, rolloutCountMax - rolloutCount, options);
    all.push(...examples);
    rolloutCount += rolled;
    report();
    if (examples.length < group.length) break;
  }
  return { examples: all, skippedCount: trajectories.length - all.length, rolloutCount };
}

interface Planted {
  readonly example: Example;
  readonly forkPoint: ForkPoint;
}

interface Job extends Planted {
  readonly branch: Branch;
  readonly draw: number;
}

interface LabelledGroup {
  readonly examples: readonly Example[];
  readonly rolled: number;
}

/** In halves where the KV cache has no room for all trunks and a branch; what is done stays done. */
async function labelFitting(
  group: readonly Trajectory[],
  roomLeft: number,
  options: LabellingOptions,
): Promise<LabelledGroup> {
  try {
    return await labelGroup(group, roomLeft, options);
  } catch (error) {
    if (!isFull(error) || group.length === 1) throw error;
  }
  const middle = Math.ceil(group.length / 2);
  const first = await labelFitting(group.slice(0, middle), roomLeft, options);
  // The cap cuts behind whole answers.
  if (first.examples.length < middle) return first;
  const second = await labelFitting(group.slice(middle), roomLeft - first.rolled, options);
  return {
    examples: [...first.examples, ...second.examples],
    rolled: first.rolled + second.rolled,
  };
}

async function labelGroup(
  group: readonly Trajectory[],
  roomLeft: number,
  options: LabellingOptions,
): Promise<LabelledGroup> {
  const trunks = group.map(
    ({ prompt, tokens }) => new ForkPoint(options.pair, [...prompt, ...tokens]),
  );
  try {
    const planted: Planted[] = [];
    const reading = async (index: number, signal: AbortSignal): Promise<void> => {
      const trajectory = required(group[index], 'a trajectory of the group');
      const forkPoint = required(trunks[index], 'a forkPoint for every trajectory');
      const known = options.examples.get(trajectory);
      planted[index] = {
        forkPoint,
        example: known ?? (await read(trajectory, forkPoint, options, signal)),
      };
    };
    await runJobs([...group.keys()], READING_COUNT, reading, options.signal);
    const kept = within(roomLeft, planted, options);
    const needed = kept.flatMap((one) => jobsOf(one, options));
    const jobs = needed.filter((job) => options.outcomes.get(keyOf(job, options)) === null);
    const grown = [...new Set(jobs.map(({ forkPoint }) => forkPoint))];
    await runJobs(
      grown,
      READING_COUNT,
      (forkPoint, signal) => prefill(forkPoint, options, signal),
      options.signal,
    );
    const roll = (job: Job, signal: AbortSignal): Promise<void> => run(job, options, signal);
    await runJobsThatFit(jobs, BRANCH_COUNT, roll, options.signal);
    const examples = kept.map(({ example }) => example);
    return { examples, rolled: needed.length };
  } finally {
    await Promise.all(trunks.map((forkPoint) => forkPoint[Symbol.asyncDispose]()));
  }
}

async function read(
  trajectory: Trajectory,
  forkPoint: ForkPoint,
  { pair, features, examples }: LabellingOptions,
  signal: AbortSignal,
): Promise<Example> {
  const reading = await traceTrajectory(trajectory, {
    pair,
    forkPoint: forkPoint,
    features,
    signal,
  });
  return await examples.add(trajectory, reading);
}

/**
 * The first ones, as far as the cap goes. All branches of an answer or none: with a part of them it
 * would seem to need the large model less than it does. And nothing behind the first that is left out:
 * of later answers those would still fit that need few rollouts or none.
 */
function within(
  roomLeft: number,
  planted: readonly Planted[],
  options: LabellingOptions,
): readonly Planted[] {
  let room = roomLeft;
  const first = planted.findIndex((one) => {
    room -= jobsOf(one, options).length;
    return room < 0;
  });
  return first === -1 ? planted : planted.slice(0, first);
}

function jobsOf(planted: Planted, { branchesOf, draws }: LabellingOptions): readonly Job[] {
  const each = Array.from({ length: draws.count }, (_, draw) => draw);
  return branchesOf(planted.example).flatMap((branch) =>
    each.map((draw) => ({ ...planted, branch, draw })),
  );
}

function keyOf({ example, branch, draw }: Job, options: LabellingOptions): BranchKey {
  const policy = endsName(options.policy, options);
  return { trajectory: example.key, policy, ...branch, draw };
}

/** Reads the trajectory into the models that branches need, unless they have read it just now. */
async function prefill(
  forkPoint: ForkPoint,
  { pair, policy }: LabellingOptions,
  signal: AbortSignal,
): Promise<void> {
  const text = forkPoint.text.slice(0, -1);
  const program = {
    vocabularySize: pair.vocabularySize,
    sampling: GREEDY,
    seed: 0,
    purpose: 'sample' as const,
  };
  for (const role of policy.strategy.needs) {
    const { rowCountMax } = pair.models[role].facts;
    const outputFrom = text.length;
    await readAlong(forkPoint.sequence(role), text, { outputFrom, program, rowCountMax, signal });
  }
}

async function run(job: Job, options: LabellingOptions, signal: AbortSignal): Promise<void> {
  const { example, forkPoint, branch, draw } = job;
  const { pair, policy, draws, seed, maxTokens, outcomes } = options;
  const { prompt, tokens, question } = example.trajectory;
  const begun = [...tokens.slice(0, branch.position), branch.token];
  const written = await rollOut({
    ...{ pair, forkPoint: forkPoint, strategy: policy.strategy, signal },
    text: [...prompt, ...begun],
    lengthMax: prompt.length + maxTokens,
    sampling: samplingOf(draws),
    seed: drawSeed({ seed }, draw),
  });
  const { vocabulary } = pair.models.large;
  await outcomes.add({
    ...keyOf(job, options),
    value: valueOfText([...begun, ...written], question, vocabulary),
    tokenCount: written.length,
  });
}
