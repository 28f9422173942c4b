/** Which branches of a trajectory are rolled out, and how often. Pure. */
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

/** How branches go on. */
export interface RolloutDraws {
  /** Rollouts of each branch; 1 is greedy. */
  readonly count: number;
  /** Of rollouts that are drawn, where there are several. */
  readonly temperature: number;
}

export interface RolloutPlan {
  readonly draws: RolloutDraws;
  /** Positions of a trajectory that are judged, at most; more are sampled. */
  readonly positionCountMax: number;
  readonly seed: number;
}

/** Of a trajectory's key: 32 bits. */
const SALT_DIGITS = 8;

export function samplingOf({ count, temperature }: RolloutDraws): SamplingParams {
  return count === 1 ? GREEDY : { ...GREEDY, temperature };
}

/** Under which name ends are kept: ends that were drawn otherwise are other ends. */
export function endsName(
  { id }: Pick<Policy, 'id'>,
  { draws, seed }: Pick<RolloutPlan, 'draws' | 'seed'>,
): string {
  return draws.count === 1 ? id : `${id}, drawn at ${draws.temperature} by seed ${seed}`;
}

/** Of one draw: seeds that follow each other have no draw in common. */
export function drawSeed({ seed }: Pick<RolloutPlan, 'seed'>, draw: number): number {
  return seed + draw * SEED_RANGE;
}

/** Seeds are smaller; the noise looks at all 53 bits. */
const SEED_RANGE = 2 ** 32;

/** A trajectory as preferences see it. */
export function walkOf({ trajectory, trace: reading }: Example, policy: Policy): Walk {
  const kept = policy.keptPositions(reading);
  const { tokens, value } = trajectory;
  return { tokens, value, reading, keepsSmall: (position) => kept.has(position) };
}

/** The positions that get preferences: all judgeable ones, or a sample of them. */
export function judgedPositions(
  { key, trajectory, trace: reading }: Example,
  { positionCountMax, seed }: RolloutPlan,
): readonly number[] {
  return sample(judgeablePositions(trajectory.tokens, reading), key, positionCountMax, seed);
}

/** By lot, the same for the same trajectory and seed. */
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
 * Branches for `citer`. Greedy ones share their ends (see preferences.ts); where ends are drawn, the
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
