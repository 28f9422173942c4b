/**
 * The trace of a trajectory under both models. One pass of each gives, for every token, the token that
 * either would have written there and the features that a router would have seen.
 */
import type { TokenId } from '../../core/token-id.ts';

export interface TeacherForcedTrace {
  /** The token that each model would have written: [token count]. */
  readonly small: readonly TokenId[];
  readonly large: readonly TokenId[];
  /** Natural log-probability of the trajectory's own tokens under the small model. */
  readonly textLogprobUnderSmall: Float32Array;
  /** Natural log-probabilities of the small model's choices and of its own, under the large model. */
  readonly smallLogprobUnderLarge: Float32Array;
  readonly bestLogprobUnderLarge: Float32Array;
  /** The features of routers, in half precision: [token count × feature size]. */
  readonly features: Uint16Array;
  readonly featureSize: number;
}

/** Positions at which the models disagree. A router's choice matters nowhere else. */
export function differingPositions({
  small,
  large,
}: Pick<TeacherForcedTrace, 'small' | 'large'>): number[] {
  return small.flatMap((token, position) => (token === large[position] ? [] : [position]));
}
