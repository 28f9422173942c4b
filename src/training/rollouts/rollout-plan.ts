/** Decides which branches of a trajectory are rolled out, and how often. Pure. */
import { mix } from '../../core/noise.ts';
import { GREEDY, type SamplingParams } from '../../core/sampling-params.ts';
import {
  type Branch,
  judgeablePositions,
  neededBranches,
  type Walk,
} from '../labels/preferences.ts';
import type { Example } from '../traces/example-store.ts';
import type { Policy } from './policy.ts';

/** How branches are continued. */
export interface RolloutDraws {
  /** Rollouts of each branch; 1 is greedy. */
  readonly count: number;
  /** The temperature of drawn rollouts, where each branch has several. */
  readonly temperature: number;
}

export interface RolloutPlan {
  readonly draws: RolloutDraws;
  /** The most positions of a trajectory that are judged. If there are more, they are sampled. */
  readonly positionCountMax: number;
  readonly seed: number;
}

/** Digits of a trajectory's key: 32 bits. */
const SALT_DIGITS = 8;

export function samplingOf({ count, temperature }: RolloutDraws): SamplingParams {
  return count === 1 ? GREEDY : { ...GREEDY, temperature };
}

/** The name under which ends are stored. Ends of other draws have other names. */
export function endsName(
  { id }: Pick<Policy, 'id'>,
  { draws, seed }: Pick<RolloutPlan, 'draws' | 'seed'>,
): string {
  return draws.count === 1 ? id : `${id}, drawn at ${draws.temperature} by seed ${seed}`;
}

/** The seed of one draw. Consecutive seeds have no draw in common. */
export function drawSeed({ seed }: Pick<RolloutPlan, 'seed'>, draw: number): number {
  return seed + draw * SEED_RANGE;
}

/** Seeds are smaller than this. The noise uses all 53 bits. */
const SEED_RANGE = 2 ** 32;

/** The view of a trajectory that preferences need. */
export function walkOf({ trajectory, trace }: Example, policy: Policy): Walk {
  const kept = policy.keptPositions(trace);
  const { tokens, value } = trajectory;
  return { tokens, value, trace, keepsSmall: (position) => kept.has(position) };
}

/** The positions that get preferences: all judgeable ones, or a sample of them. */
export function judgedPositions(
  { key, trajectory, trace }: Example,
  { positionCountMax, seed }: RolloutPlan,
): readonly number[] {
  return sample(judgeablePositions(trajectory.tokens, trace), key, positionCountMax, seed);
}

/** Draws a sample, the same for the same trajectory and seed. */
function sample(
  positions: readonly number[],
  key: string,
  countMax: number,
  seed: number,
): readonly number[] {
  if (positions.length <= countMax) return positions;
  const salt = Number.parseInt(key.slice(0, SALT_DIGITS), 16);
  const byLot = positions.map((position) => ({ position, lot: mix(position, seed, salt) }));
  const chosen = byLot.sort((a, b) => a.lot - b.lot).slice(0, countMax);
  return chosen.map(({ position }) => position).sort((a, b) => a - b);
}

/**
 * Branches for `citer`. Greedy branches share their ends (see preferences.ts). Where ends are drawn, the
 * trajectory says nothing about either token, and both are rolled out.
 */
export function citerBranches(
  example: Example,
  policy: Policy,
  plan: RolloutPlan,
): readonly Branch[] {
  const positions = judgedPositions(example, plan);
  if (plan.draws.count === 1) return neededBranches(walkOf(example, policy), positions);
  const { small, large } = example.trace;
  return positions.flatMap((position) =>
    [small[position], large[position]].flatMap((token) =>
      token === undefined ? [] : [{ position, token }],
    ),
  );
}

/** Branches for `citer-paper`: the small model's token where neither model writes the reference's. */
export function citerPaperBranches(
  example: Example,
  { positionCountMax, seed }: RolloutPlan,
): readonly Branch[] {
  const { tokens } = example.trajectory;
  const { small, large } = example.trace;
  const isNeither = (position: number): boolean =>
    small[position] !== tokens[position] && large[position] !== tokens[position];
  const all = tokens.flatMap((_, position) => (isNeither(position) ? [position] : []));
  return sample(all, example.key, positionCountMax, seed).flatMap((position) => {
    const token = small[position];
    return token === undefined ? [] : [{ position, token }];
  });
}
