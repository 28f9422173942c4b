/**
 * Preferences between the two models' tokens, by the outcome of the answer (CITER, arXiv 2502.01976,
 * sections 3.2 and 3.3): at a position where the models differ, write either token, continue under the
 * policy, and compare the ends. Pure: which branches must be rolled out, and what follows from their
 * ends.
 *
 * Along a greedy trajectory half of the branches are the continuation of another branch. Say the models
 * differ at 4 and 9, the trajectory has the large model's tokens, and the policy is the small model
 * alone:
 * - small token at 4, then the policy: a rollout;
 * - large token at 4, then the policy: follows the trajectory up to 9, then is the rollout of the small
 *   token at 9;
 * - large token at 9, then the policy: follows the trajectory to its end.
 *
 * So one rollout per differing position is enough: that of the token which the trajectory does not have.
 */
import { invariant, required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import { differingPositions, type TeacherForcedTrace } from '../traces/trace.ts';

/** The facts of a trajectory that preferences depend on. */
export interface Walk {
  readonly tokens: readonly TokenId[];
  readonly trace: Pick<TeacherForcedTrace, 'small' | 'large'>;
  /** The value of the trajectory's own end. */
  readonly value: number;
  /** Whether the policy keeps the small model's token at a position. */
  keepsSmall(position: number): boolean;
}

/** A branch: the trajectory up to a position, then this token, then the policy. */
export interface Branch {
  readonly position: number;
  readonly token: TokenId;
}

export interface Preference {
  readonly position: number;
  /** The value of the end of either token, from 0 (wrong) to 1 (right). */
  readonly smallValue: number;
  readonly largeValue: number;
}

/**
 * The branches whose ends are needed to judge these positions. At each position the models must differ,
 * and the trajectory must have either model's token.
 */
export function neededBranches(walk: Walk, positions: readonly number[]): readonly Branch[] {
  const needed = new Set(positions);
  for (const position of positions) {
    const next = nextDeparture(walk, position);
    if (next !== null) needed.add(next);
  }
  return [...needed].sort((a, b) => a - b).map((position) => branchAt(walk, position));
}

/** @param endOf the value of the branch at a position */
export function preferencesOf(
  walk: Walk,
  positions: readonly number[],
  endOf: (position: number) => number,
): readonly Preference[] {
  return positions.map((position) => {
    const next = nextDeparture(walk, position);
    const stays = next === null ? walk.value : endOf(next);
    const leaves = endOf(position);
    const hasSmall = walk.tokens[position] === walk.trace.small[position];
    const [smallValue, largeValue] = hasSmall ? [stays, leaves] : [leaves, stays];
    return { position, smallValue, largeValue };
  });
}

/** Differing positions at which the trajectory has one of the two tokens. */
export function judgeablePositions(
  tokens: readonly TokenId[],
  trace: Pick<TeacherForcedTrace, 'small' | 'large'>,
): readonly number[] {
  return differingPositions(trace).filter(
    (at) => tokens[at] === trace.small[at] || tokens[at] === trace.large[at],
  );
}

/** The next position at which the policy leaves the trajectory; null: it never leaves it. */
function nextDeparture(walk: Walk, position: number): number | null {
  for (let at = position + 1; at < walk.tokens.length; at += 1) {
    if (policyToken(walk, at) !== walk.tokens[at]) return at;
  }
  return null;
}

function policyToken({ trace, keepsSmall }: Walk, position: number): TokenId {
  const small = required(trace.small[position], 'a row for every token');
  const large = required(trace.large[position], 'a row for every token');
  if (small === large) return small;
  return keepsSmall(position) ? small : large;
}

/** The branch of the token that the trajectory does not have. If it has neither token, the policy's. */
function branchAt(walk: Walk, position: number): Branch {
  const { tokens, trace } = walk;
  const small = required(trace.small[position], 'a row for every token');
  const large = required(trace.large[position], 'a row for every token');
  const token = tokens[position];
  if (token === small) return { position, token: large };
  if (token === large) return { position, token: small };
  const chosen = policyToken(walk, position);
  invariant(chosen !== token, 'the policy leaves the trajectory here');
  return { position, token: chosen };
}
