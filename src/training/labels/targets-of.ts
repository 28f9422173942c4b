/** Targets of an example under an objective, from the ends of its branches. */
import { required } from '../../core/invariant.ts';
import type { OutcomeStore } from '../rollouts/outcome-store.ts';
import type { Policy } from '../rollouts/policy.ts';
import {
  citerBranches,
  citerPaperBranches,
  endsName,
  judgedPositions,
  type RolloutPlan,
  walkOf,
} from '../rollouts/rollout-plan.ts';
import type { Example } from '../traces/example-store.ts';
import { type Branch, type Preference, preferencesOf } from './preferences.ts';
import {
  alignmentTargets,
  citerPaperTargets,
  citerSTargets,
  citerTargets,
  type Objective,
  type Target,
} from './targets.ts';

/** The branches that an objective needs. */
export function branchesFor(
  objective: Objective,
  example: Example,
  policy: Policy,
  plan: RolloutPlan,
): readonly Branch[] {
  if (objective === 'citer') return citerBranches(example, policy, plan);
  return objective === 'citer-paper' ? citerPaperBranches(example, plan) : [];
}

/** The targets of an example whose branches were all rolled out. */
export function targetsFor(
  objective: Objective,
  example: Example,
  policy: Policy,
  plan: RolloutPlan,
  outcomes: OutcomeStore,
): readonly Target[] {
  const { trajectory, trace } = example;
  switch (objective) {
    case 'citer':
      return citerTargets(trace, preferences(example, policy, plan, outcomes));
    case 'citer-paper': {
      const ends = citerPaperBranches(example, plan).flatMap((branch) => {
        const end = endOf(example, policy, plan, outcomes, branch);
        return end === null ? [] : [[branch.position, end] as const];
      });
      return citerPaperTargets(trajectory.tokens, trace, new Map(ends));
    }
    case 'alignment':
      return alignmentTargets(trace);
    default:
      return citerSTargets(trajectory.tokens, trace);
  }
}

/** The preferences at the judged positions whose branches were all rolled out. */
export function preferences(
  example: Example,
  policy: Policy,
  plan: RolloutPlan,
  outcomes: OutcomeStore,
): readonly Preference[] {
  const positions = judgedPositions(example, plan);
  const ends = new Map<string, number | null>();
  for (const branch of citerBranches(example, policy, plan)) {
    ends.set(keyOf(branch), endOf(example, policy, plan, outcomes, branch));
  }
  if (plan.draws.count > 1) return drawnPreferences(example, positions, ends);
  const byPosition = new Map(
    citerBranches(example, policy, plan).map((branch) => [
      branch.position,
      ends.get(keyOf(branch)),
    ]),
  );
  const walk = walkOf(example, policy);
  const found = preferencesOf(
    walk,
    positions,
    (position) => byPosition.get(position) ?? Number.NaN,
  );
  return found.filter(({ smallValue, largeValue }) => !Number.isNaN(smallValue + largeValue));
}

function drawnPreferences(
  { trace }: Example,
  positions: readonly number[],
  ends: ReadonlyMap<string, number | null>,
): readonly Preference[] {
  return positions.flatMap((position) => {
    const of = (token: number | undefined): number | null =>
      ends.get(keyOf({ position, token: required(token, 'a row for every token') })) ?? null;
    const [smallValue, largeValue] = [of(trace.small[position]), of(trace.large[position])];
    return smallValue === null || largeValue === null ? [] : [{ position, smallValue, largeValue }];
  });
}

function keyOf({ position, token }: { readonly position: number; readonly token: number }): string {
  return `${position} ${token}`;
}

/** The mean over all draws; null if a draw is missing. */
function endOf(
  { key }: Example,
  policy: Policy,
  plan: RolloutPlan,
  outcomes: OutcomeStore,
  branch: Branch,
): number | null {
  const { draws } = plan;
  const ends = { trajectory: key, policy: endsName(policy, plan), ...branch };
  let sum = 0;
  for (let draw = 0; draw < draws.count; draw += 1) {
    const end = outcomes.get({ ...ends, draw });
    if (end === null) return null;
    sum += end.value;
  }
  return sum / draws.count;
}
