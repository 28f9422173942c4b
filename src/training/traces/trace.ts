/**
 * What both models say along a trajectory: one reading of it by each gives, for every token, what
 * either would have written there and what a router would have seen.
 */
import type { TokenId } from '../../core/token-id.ts';

export interface TeacherForcedTrace {
  /** What each model would have written: [token count]. */
  readonly small: readonly TokenId[];
  readonly large: readonly TokenId[];
  /** Natural log-probability of the trajectory's own tokens under the small model. */
  readonly textLogprobUnderSmall: Float32Array;
  /** Of the small model's choices, and of its own, under the large model. */
  readonly smallLogprobUnderLarge: Float32Array;
  readonly bestLogprobUnderLarge: Float32Array;
  /** What routers see, in half precision: [token count × feature size]. */
  readonly features: Uint16Array;
  readonly featureSize: number;
}

/** Places where the models disagree; a router's choice matters nowhere else. */
export function differingPositions({
  small,
  large,
}: Pick<TeacherForcedTrace, 'small' | 'large'>): number[] {
  return small.flatMap((token, position) => (token === large[position] ? [] : [position]));
}
