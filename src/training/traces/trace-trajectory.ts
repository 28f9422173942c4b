/** One teacher-forced pass of each model along a trajectory: everything that labels are made of. */
import { invariant, required } from '../../core/invariant.ts';
import type { RowProgram, RowResult } from '../../core/row-program.ts';
import { joinReads } from '../../core/row-reads.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import {
  type StateFeatures,
  stateFeatureSize,
  writeStateFeatures,
} from '../../judging/router-features.ts';
import { readAlong } from '../../kv-cache/read-along.ts';
import type { TrainingPair } from '../training-pair.ts';
import type { Trajectory } from '../trajectory.ts';
import type { ForkPoint } from './fork-point.ts';
import type { TeacherForcedTrace } from './trace.ts';

export interface TraceTrajectoryOptions {
  readonly pair: TrainingPair;
  /** Of the trajectory's text; it has read all but the last token then. */
  readonly forkPoint: ForkPoint;
  readonly features: StateFeatures;
  readonly signal?: AbortSignal | undefined;
}

/** @throws PilotfishError as `Sequence.forward` */
export async function traceTrajectory(
  { prompt, tokens }: Pick<Trajectory, 'prompt' | 'tokens'>,
  options: TraceTrajectoryOptions,
): Promise<TeacherForcedTrace> {
  const ofSmall = await rowsOf('small', prompt, tokens, options);
  const small = ofSmall.map(({ tokenId: choice }) => choice);
  // How the large model likes what the small one would have written: asked for in the text's place.
  const ofLarge = await rowsOf('large', prompt, small, options);
  const { pair, features } = options;
  const size = stateFeatureSize(features, pair.models.small.facts.hiddenSize);
  const halves = new Uint16Array(tokens.length * size);
  for (const [at, row] of ofSmall.entries()) {
    writeStateFeatures(row, features, halves.subarray(at * size, (at + 1) * size));
  }
  return {
    small,
    large: ofLarge.map(({ tokenId: choice }) => choice),
    textLogprobUnderSmall: logprobs(ofSmall, ({ textLogprob }) => textLogprob),
    smallLogprobUnderLarge: logprobs(ofLarge, ({ textLogprob }) => textLogprob),
    bestLogprobUnderLarge: logprobs(ofLarge, ({ logprob }) => logprob),
    features: halves,
    featureSize: size,
  };
}

/** @param asked the tokens whose log-probabilities are wanted, one for each of the trajectory */
async function rowsOf(
  role: 'small' | 'large',
  prompt: readonly TokenId[],
  asked: readonly TokenId[],
  { pair, forkPoint, features, signal }: TraceTrajectoryOptions,
): Promise<readonly RowResult[]> {
  const seesFeatures = role === 'small';
  const program: RowProgram = {
    vocabularySize: pair.vocabularySize,
    sampling: GREEDY,
    seed: 0,
    purpose: 'sample',
    text: [...prompt, ...asked],
    logprob: true,
    textLogprob: true,
    ...(seesFeatures ? joinReads(features) : {}),
  };
  const sequence = forkPoint.sequence(role);
  invariant(sequence.length === 0, 'the forkPoint has not been read');
  const rows = await readAlong(sequence, forkPoint.text.slice(0, -1), {
    outputFrom: prompt.length - 1,
    program,
    rowCountMax: pair.models[role].facts.rowCountMax,
    ...(signal === undefined ? {} : { signal }),
  });
  invariant(rows.length === asked.length, 'a row for every token');
  return rows;
}

function logprobs(
  rows: readonly RowResult[],
  pick: (row: RowResult) => number | null,
): Float32Array {
  return Float32Array.from(rows, (row) => required(pick(row), 'the program computes it'));
}
