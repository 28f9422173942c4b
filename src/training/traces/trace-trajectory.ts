/** One teacher-forced pass of each model along a trajectory: all data that labels are made from. */
import { required } from '../../core/invariant.ts';
import type { RowResult } from '../../core/row-program.ts';
import { joinReads } from '../../core/row-reads.ts';
import {
  type StateFeatures,
  stateFeatureSize,
  writeStateFeatures,
} from '../../judging/router-features.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';
import type { ForkPoint } from './fork-point.ts';
import type { TeacherForcedTrace } from './trace.ts';

export interface TraceTrajectoryOptions {
  readonly pair: TrainingPair;
  /**
   * The fork point of the trajectory's text. Afterwards both models have read all tokens but the last.
   */
  readonly forkPoint: ForkPoint;
  readonly features: StateFeatures;
}

/** @throws PilotfishError as `Session.rows` */
export async function traceTrajectory(
  { prompt, tokens }: Pick<Trajectory, 'prompt' | 'tokens'>,
  { pair, forkPoint, features }: TraceTrajectoryOptions,
): Promise<TeacherForcedTrace> {
  const reads = { logprob: true, textLogprob: true };
  const text = [...prompt, ...tokens];
  const ofSmall = await forkPoint.read('small', {
    reads: joinReads(reads, features),
    scoredText: text,
  });
  const small = ofSmall.map(({ tokenId }) => tokenId);
  // The large model scores the small model's choices in place of the text.
  const ofLarge = await forkPoint.read('large', { reads, scoredText: [...prompt, ...small] });
  const size = stateFeatureSize(features, pair.models.small.facts.hiddenSize);
  const halves = new Uint16Array(tokens.length * size);
  for (const [at, row] of ofSmall.entries()) {
    writeStateFeatures(row, features, halves.subarray(at * size, (at + 1) * size));
  }
  return {
    small,
    large: ofLarge.map(({ tokenId }) => tokenId),
    textLogprobUnderSmall: logprobs(ofSmall, ({ textLogprob }) => textLogprob),
    smallLogprobUnderLarge: logprobs(ofLarge, ({ textLogprob }) => textLogprob),
    bestLogprobUnderLarge: logprobs(ofLarge, ({ logprob }) => logprob),
    features: halves,
    featureSize: size,
  };
}

function logprobs(
  rows: readonly RowResult[],
  pick: (row: RowResult) => number | null,
): Float32Array {
  return Float32Array.from(rows, (row) => required(pick(row), 'the row has it'));
}
