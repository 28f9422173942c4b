/** Turns labelled trajectories into the rows that a network trains on. Pure. */
import { required } from '../../core/invariant.ts';
import type {
  RouterFeatures,
  StateFeatures,
  TokenEmbedding,
} from '../../judging/router-features.ts';
import type { Dataset } from '../../network/dataset.ts';
import type { Steps } from '../../network/steps.ts';
import type { Target } from '../labels/targets.ts';
import type { Example } from '../traces/example-store.ts';
import { traceFeatures } from '../traces/trace-features.ts';

export interface LabelledExample {
  readonly example: Example;
  /** [token count] */
  readonly targets: readonly Target[];
}

/** The rows of a training: one for each token with a target. All arrays are [row count]. */
export interface TrainingRows {
  /** Its groups are questions: all trajectories of a question are on one side of a split. */
  readonly dataset: Dataset;
  readonly targets: Float32Array;
  /** The number of tokens that each row stands for. */
  readonly weights: Float32Array;
  /** Natural log-probabilities of the trajectory's token under either model. */
  readonly logSmall: Float32Array;
  readonly logLarge: Float32Array;
  /** 1 where the models' tokens differ. */
  readonly differs: Uint8Array;
  /** The group of an example; undefined if none of its tokens is a row. */
  groupOf(example: Example): number | undefined;
}

/**
 * Yields after each trajectory.
 * @param read the features in the traces, which include the wanted features of the state
 * @param embeddingOf the small model's embeddings, if they are wanted
 */
export function* trainingRows(
  labelled: readonly LabelledExample[],
  wanted: RouterFeatures,
  read: StateFeatures,
  hiddenSize: number,
  embeddingOf?: TokenEmbedding,
): Steps<TrainingRows> {
  const ofTrace = traceFeatures({ wanted, read, hiddenSize, embeddingOf });
  const { size } = ofTrace;
  const rowCount = labelled.reduce((sum, { targets }) => sum + targets.filter(hasValue).length, 0);
  const [features, groups] = [new Uint16Array(rowCount * size), new Int32Array(rowCount)];
  const [targetOf, weights] = [new Float32Array(rowCount), new Float32Array(rowCount)];
  const [logSmall, logLarge] = [new Float32Array(rowCount), new Float32Array(rowCount)];
  const differs = new Uint8Array(rowCount);
  const questions = new Map<string, number>();
  let row = 0;
  for (const { example, targets } of labelled) {
    const { trajectory, trace } = example;
    const { id } = trajectory.question;
    for (const [position, { value, weight = 1 }] of targets.entries()) {
      if (value === null) continue;
      const group = questions.get(id) ?? questions.size;
      questions.set(id, group);
      groups[row] = group;
      ofTrace.write(trace, position, features.subarray(row * size, (row + 1) * size));
      targetOf[row] = value;
      weights[row] = weight;
      logSmall[row] = required(trace.textLogprobUnderSmall[position], 'read at every token');
      logLarge[row] = required(textLogprobUnderLarge(example, position), 'read at every token');
      differs[row] = Number(trace.small[position] !== trace.large[position]);
      row += 1;
    }
    yield;
  }
  return {
    groupOf: ({ trajectory: { question } }) => questions.get(question.id),
    dataset: { rowCount, inputSize: size, features, groups },
    ...{ targets: targetOf, weights, logSmall, logLarge, differs },
  };
}

function hasValue({ value }: Target): boolean {
  return value !== null;
}

/**
 * The log-probability of the trajectory's token under the large model. If the token is neither model's
 * choice, the two best tokens were so close that forwards of other shapes chose differently. The best
 * token's value then serves as well.
 */
function textLogprobUnderLarge(
  { trajectory, trace }: Example,
  position: number,
): number | undefined {
  const isSmall = trajectory.tokens[position] === trace.small[position];
  return (isSmall ? trace.smallLogprobUnderLarge : trace.bestLogprobUnderLarge)[position];
}

/** A target below this value says that the large model should write the token. */
export const TARGET_MIDDLE = 0.5;

/**
 * Weights that keep the rarer side from being drowned. A row of the rarer side counts more by the ratio
 * of the tokens that both sides stand for, up to `balanceMax` times. A maximum of 1 changes nothing.
 */
export function balancedWeights(
  { targets, weights }: Pick<TrainingRows, 'targets' | 'weights'>,
  balanceMax: number,
): Float32Array {
  const isLow = (row: number): boolean => (targets[row] as number) < TARGET_MIDDLE;
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const ofLow = weights.reduce((sum, weight, row) => sum + (isLow(row) ? weight : 0), 0);
  const ofHigh = all - ofLow;
  const factor = (own: number, other: number): number =>
    own === 0 ? 1 : Math.min(balanceMax, Math.max(1, other / own));
  const [low, high] = [factor(ofLow, ofHigh), factor(ofHigh, ofLow)];
  return weights.map((weight, row) => weight * (isLow(row) ? low : high));
}
