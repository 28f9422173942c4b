/**
 * Preferences between the two models' tokens, by what becomes of the answer (CITER, arXiv 2502.01976,
 * sections 3.2 and 3.3): at a position where they differ, write either token, go on under the policy,
 * and compare the ends. Pure: which branches must be rolled out, and what follows from their ends.
 *
 * Along a greedy trajectory half of the branches are another one's continuation. Say the models differ
 * at 4 and 9, the trajectory has the large model's tokens, and the policy is the small model alone:
 *   small token at 4, then the policy    a rollout;
 *   large token at 4, then the policy    follows the trajectory up to 9, and from there on it is the
 *                                        rollout of the small token at 9;
 *   large token at 9, then the policy    follows the trajectory to its end.
 * So one rollout per differing position is enough: that of the token which the trajectory has not.
 */
import { invariant, required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import { differingPositions, type TeacherForcedTrace } from '../traces/trace.ts';

/** A trajectory as far as preferences depend on it. */
export interface Walk {
  readonly tokens: readonly TokenId[];
  readonly reading: Pick<TeacherForcedTrace, 'small' | 'large'>;
  /** What the trajectory's own end is worth. */
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
  /** What becomes of either token, from 0 (wrong) to 1 (right). */
  readonly smallValue: number;
  readonly largeValue: number;
}

/**
 * Branches whose ends are needed to judge these positions. Positions must be differing ones at which
 * the trajectory has either model's token.
 */
export function neededBranches(walk: Walk, positions: readonly number[]): readonly Branch[] {
  const needed = new Set(positions);
  for (const position of positions) {
    const next = nextDeparture(walk, position);
    if (next !== null) needed.add(next);
  }
  return [...needed].sort((a, b) => a - b).map((position) => branchAt(walk, position));
}

/** @param endOf what the branch at a position is worth */
export function preferencesOf(
  walk: Walk,
  positions: readonly number[],
  endOf: (position: number) => number,
): readonly Preference[] {
  return positions.map((position) => {
    const next = nextDeparture(walk, position);
    const stays = next === null ? walk.value : endOf(next);
    const leaves = endOf(position);
    const hasSmall = walk.tokens[position] === walk.reading.small[position];
    const [smallValue, largeValue] = hasSmall ? [stays, leaves] : [leaves, stays];
    return { position, smallValue, largeValue };
  });
}

/** Differing positions at which the trajectory has one of the two tokens. */
export function judgeablePositions(
  tokens: readonly TokenId[],
  reading: Pick<TeacherForcedTrace, 'small' | 'large'>,
): readonly number[] {
  return differingPositions(reading).filter(
    (at) => tokens[at] === reading.small[at] || tokens[at] === reading.large[at],
  );
}

/** The first position behind this one at which the policy leaves the trajectory; null: it never does. */
function nextDeparture(walk: Walk, position: number): number | null {
  for (let at = position + 1; at < walk.tokens.length; at += 1) {
    if (policyToken(walk, at) !== walk.tokens[at]) return at;
  }
  return null;
}

function policyToken({ reading, keepsSmall }: Walk, position: number): TokenId {
  const small = required(reading.small[position], 'a row for every token');
  const large = required(reading.large[position], 'a row for every token');
  if (small === large) return small;
  return keepsSmall(position) ? small : large;
}

/** The token that the trajectory has not; where it has neither, the policy's. */
function branchAt(walk: Walk, position: number): Branch {
  const { tokens, reading } = walk;
  const small = required(reading.small[position], 'a row for every token');
  const large = required(reading.large[position], 'a row for every token');
  const token = tokens[position];
  if (token === small) return { position, token: large };
  if (token === large) return { position, token: small };
  const chosen = policyToken(walk, position);
  invariant(chosen !== token, 'the policy leaves the trajectory here');
  return { position, token: chosen };
}
