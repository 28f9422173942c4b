/**
 * The value of every state of a tree by Monte Carlo rollouts: how often an answer that goes on from there
 * ends right. One greedy rollout of the large model is in the tree already.
 */
import type { ModelRole } from '../../core/model-id.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Question } from '../../evaluation/question.ts';
import { singleModel } from '../../strategy/single-model.ts';
import type { OutcomeStore } from '../rollouts/outcome-store.ts';
import { rollOut } from '../rollouts/roll-out.ts';
import { drawSeed, endsName, type RolloutDraws, samplingOf } from '../rollouts/rollout-plan.ts';
import type { TrainingPair } from '../training-pair.ts';
import { valueOfText } from '../value-of-text.ts';
import { answersOf } from './read-steps.ts';
import { largeValue, type StepTree, type ValueOf } from './step-tree.ts';

/** The models that go on from a state: one of them, or both, whose values are averaged. */
export type Finisher = ModelRole | 'both';

export interface ValuePlan {
  readonly finisher: Finisher;
  readonly draws: RolloutDraws;
  readonly seed: number;
}

/** A rollout from a state of a tree. */
export interface StateRollout {
  readonly state: number;
  readonly role: ModelRole;
  readonly draw: number;
}

/** The rollouts that a tree needs. Its own values do for the large model's greedy ones. */
export function neededRollouts(tree: StepTree, plan: ValuePlan): readonly StateRollout[] {
  const reached = new Set<number>();
  for (const { small, large } of tree) {
    if (small === null || large === null) continue;
    for (const { to } of [small, large]) if (tree[to]?.value === null) reached.add(to);
  }
  const draws = Array.from({ length: plan.draws.count }, (_, draw) => draw);
  return rolesOf(plan).flatMap((role) =>
    isInTree(role, plan)
      ? []
      : [...reached].flatMap((state) => draws.map((draw) => ({ state, role, draw }))),
  );
}

/** The mean over the rollouts of each state. All are in the store. */
export function valuesBy(
  tree: StepTree,
  key: string,
  plan: ValuePlan,
  store: OutcomeStore,
): ValueOf {
  const roles = rolesOf(plan);
  const byRole = (state: number, role: ModelRole): number => {
    const known = tree[state]?.value ?? null;
    if (known !== null) return known;
    if (isInTree(role, plan)) return largeValue(tree, state);
    let sum = 0;
    for (let draw = 0; draw < plan.draws.count; draw += 1) {
      sum += store.get(branchOf(key, { state, role, draw }, plan))?.value ?? 0;
    }
    return sum / plan.draws.count;
  };
  return (state) => roles.reduce((sum, role) => sum + byRole(state, role), 0) / roles.length;
}

export interface RolloutSetting {
  readonly pair: TrainingPair;
  readonly question: Question;
  readonly prompt: readonly TokenId[];
  readonly tree: StepTree;
  /** The key of the tree. */
  readonly key: string;
  readonly maxTokens: number;
  readonly signal: AbortSignal;
}

/** Writes the answer of one rollout to its end, unless the store has it. @throws as `rollOut` */
export async function rollOutState(
  rollout: StateRollout,
  setting: RolloutSetting,
  plan: ValuePlan,
  store: OutcomeStore,
): Promise<void> {
  const { pair, question, prompt, tree, key, maxTokens, signal } = setting;
  const branch = branchOf(key, rollout, plan);
  if (store.get(branch) !== null) return;
  const answer = answersOf(tree)[rollout.state] ?? [];
  const tokens = await rollOut({
    ...{ models: pair, lease: pair.soleLease(), strategy: singleModel(rollout.role) },
    ...{ text: [...prompt, ...answer], lengthMax: prompt.length + maxTokens, signal },
    ...{ sampling: samplingOf(plan.draws), seed: drawSeed(plan, rollout.draw) },
  });
  const value = valueOfText([...answer, ...tokens], question, pair.models.large.vocabulary);
  await store.add({ ...branch, value, tokenCount: tokens.length });
}

function branchOf(key: string, { state, role, draw }: StateRollout, plan: ValuePlan) {
  const policy = endsName({ id: role }, plan);
  return { trajectory: key, policy, position: state, token: 0, draw };
}

function rolesOf({ finisher }: ValuePlan): readonly ModelRole[] {
  return finisher === 'both' ? ['small', 'large'] : [finisher];
}

function isInTree(role: ModelRole, { draws }: ValuePlan): boolean {
  return role === 'large' && draws.count === 1;
}
