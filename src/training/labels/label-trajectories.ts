/**
 * Traces trajectories and rolls their branches out, several trajectories at a time. The rollouts run
 * side by side in the executor's batches, each a fork of its trajectory. Stored work is not repeated, so
 * a run can be stopped at any moment.
 */
import { required } from '../../core/invariant.ts';
import type { Progressing } from '../../core/progress.ts';
import type { StateFeatures } from '../../judging/router-features.ts';
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

export interface LabellingOptions extends Progressing {
  readonly pair: TrainingPair;
  readonly examples: ExampleStore;
  readonly outcomes: OutcomeStore;
  readonly features: StateFeatures;
  readonly policy: Policy;
  readonly draws: RolloutDraws;
  readonly seed: number;
  /** The branches that an example needs; none where an objective needs no rollouts. */
  readonly branchesOf: (example: Example) => readonly Branch[];
  /** The most rollouts that labels may need, whether they run now or ran earlier. */
  readonly rolloutCountMax: number;
  /** The most tokens of an answer. */
  readonly maxTokens: number;
  /** The label of the progress. */
  readonly label: string;
}

/**
 * Trajectories that are traced side by side. In a batch with another trajectory the last digits of
 * hidden states would depend on which two met, and no router could be reproduced.
 */
const TRACE_COUNT = 1;

export interface Labelled {
  /** The first trajectories, in their order, up to the cap. */
  readonly examples: readonly Example[];
  /** Trajectories after them, which the cap left out. */
  readonly skippedCount: number;
  /** Rollouts that the examples needed, whether they ran now or earlier. */
  readonly rolloutCount: number;
}

/** @throws PilotfishError as `Sequence.forward`, `aborted`; finished work is in the stores */
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

/** A trajectory with its trace and the fork point that its branches leave. */
interface Forkable {
  readonly example: Example;
  readonly forkPoint: ForkPoint;
}

interface Job extends Forkable {
  readonly branch: Branch;
  readonly draw: number;
}

interface LabelledGroup {
  readonly examples: readonly Example[];
  readonly rolled: number;
}

/**
 * Labels a group, in halves if the KV cache has no room for all fork points and a branch. Finished work
 * is kept.
 */
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
  // The cap cuts after a whole answer.
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
  const forkPoints = group.map((one) => new ForkPoint(options.pair, one, options.signal));
  try {
    const forkable: Forkable[] = [];
    const trace = async (index: number): Promise<void> => {
      const trajectory = required(group[index], 'a trajectory of the group');
      const forkPoint = required(forkPoints[index], 'a forkPoint for every trajectory');
      const known = options.examples.get(trajectory);
      forkable[index] = {
        forkPoint,
        example: known ?? (await traced(trajectory, forkPoint, options)),
      };
    };
    await runJobs([...group.keys()], TRACE_COUNT, trace, options.signal);
    const kept = within(roomLeft, forkable, options);
    const needed = kept.flatMap((one) => jobsOf(one, options));
    const jobs = needed.filter((job) => options.outcomes.get(keyOf(job, options)) === null);
    const unread = [...new Set(jobs.map(({ forkPoint }) => forkPoint))];
    const fill = (forkPoint: ForkPoint): Promise<void> => prefill(forkPoint, options);
    await runJobs(unread, TRACE_COUNT, fill, options.signal);
    const roll = (job: Job, signal: AbortSignal): Promise<void> => run(job, options, signal);
    await runJobsThatFit(jobs, BRANCH_COUNT, roll, options.signal);
    const examples = kept.map(({ example }) => example);
    return { examples, rolled: needed.length };
  } finally {
    await Promise.all(forkPoints.map((forkPoint) => forkPoint[Symbol.asyncDispose]()));
  }
}

async function traced(
  trajectory: Trajectory,
  forkPoint: ForkPoint,
  { pair, features, examples }: LabellingOptions,
): Promise<Example> {
  const trace = await traceTrajectory(trajectory, { pair, forkPoint, features });
  return await examples.add(trajectory, trace);
}

/**
 * The first trajectories, up to the cap. An answer has all its branches or none: with a part of them it
 * would seem to need the large model less than it does. Everything after the first omitted answer is
 * omitted, too: the later answers that still fit are those with few rollouts.
 */
function within(
  roomLeft: number,
  forkable: readonly Forkable[],
  options: LabellingOptions,
): readonly Forkable[] {
  let room = roomLeft;
  const first = forkable.findIndex((one) => {
    room -= jobsOf(one, options).length;
    return room < 0;
  });
  return first === -1 ? forkable : forkable.slice(0, first);
}

function jobsOf(forkable: Forkable, { branchesOf, draws }: LabellingOptions): readonly Job[] {
  const each = Array.from({ length: draws.count }, (_, draw) => draw);
  return branchesOf(forkable.example).flatMap((branch) =>
    each.map((draw) => ({ ...forkable, branch, draw })),
  );
}

function keyOf({ example, branch, draw }: Job, options: LabellingOptions): BranchKey {
  const policy = endsName(options.policy, options);
  return { trajectory: example.key, policy, ...branch, draw };
}

/** Prefills the models that the branches need, unless they have just read the trajectory. */
async function prefill(forkPoint: ForkPoint, { policy }: LabellingOptions): Promise<void> {
  for (const role of ['small', 'large'] as const) {
    const isNeeded = policy.strategy.needs[role] !== undefined;
    if (isNeeded && !forkPoint.hasRead(role)) await forkPoint.read(role);
  }
}

async function run(job: Job, options: LabellingOptions, signal: AbortSignal): Promise<void> {
  const { example, forkPoint, branch, draw } = job;
  const { pair, policy, draws, seed, maxTokens, outcomes } = options;
  const { prompt, tokens, question } = example.trajectory;
  const begun = [...tokens.slice(0, branch.position), branch.token];
  const written = await rollOut({
    ...{ models: pair, lease: forkPoint.lease(), strategy: policy.strategy, signal },
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
