/** Labelled trajectories as rows that a network trains on. Pure. */
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

/** [row count] each, but for the dataset; a row is a token that has a target. */
export interface TrainingRows {
  /** Its groups are questions: all trajectories of a question are on one side of a split. */
  readonly dataset: Dataset;
  readonly targets: Float32Array;
  /** For how many tokens each stands. */
  readonly weights: Float32Array;
  /** Natural log-probabilities of the trajectory's token under either model. */
  readonly logSmall: Float32Array;
  readonly logLarge: Float32Array;
  /** 1 where the models' tokens differ. */
  readonly differs: Uint8Array;
  /** An example's group; undefined where none of its tokens is a row. */
  groupOf(example: Example): number | undefined;
}

/**
 * One part for each trajectory.
 * @param read the features that the readings have, among them the wanted ones of the state
 * @param embeddingOf of the small model, if embeddings are wanted
 */
export function* trainingRows(
  labelled: readonly LabelledExample[],
  wanted: RouterFeatures,
  read: StateFeatures,
  hiddenSize: number,
  embeddingOf?: TokenEmbedding,
): Steps<TrainingRows> {
  const ofReading = traceFeatures({ wanted, read, hiddenSize, embeddingOf });
  const { size } = ofReading;
  const rowCount = labelled.reduce((sum, { targets }) => sum + targets.filter(hasValue).length, 0);
  const [features, groups] = [new Uint16Array(rowCount * size), new Int32Array(rowCount)];
  const [targetOf, weights] = [new Float32Array(rowCount), new Float32Array(rowCount)];
  const [logSmall, logLarge] = [new Float32Array(rowCount), new Float32Array(rowCount)];
  const differs = new Uint8Array(rowCount);
  const questions = new Map<string, number>();
  let row = 0;
  for (const { example, targets } of labelled) {
    const { trajectory, trace: reading } = example;
    const { id } = trajectory.question;
    for (const [position, { value, weight = 1 }] of targets.entries()) {
      if (value === null) continue;
      const group = questions.get(id) ?? questions.size;
      questions.set(id, group);
      groups[row] = group;
      ofReading.write(reading, position, features.subarray(row * size, (row + 1) * size));
      targetOf[row] = value;
      weights[row] = weight;
      logSmall[row] = required(reading.textLogprobUnderSmall[position], 'read at every token');
      logLarge[row] = required(ownByLarge(example, position), 'read at every token');
      differs[row] = Number(reading.small[position] !== reading.large[position]);
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
 * Of the trajectory's token under the large model. Where it is neither model's choice, the two were so
 * close that forwards of other shapes chose differently: the best one's is as good.
 */
function ownByLarge({ trajectory, trace: reading }: Example, position: number): number | undefined {
  const isSmall = trajectory.tokens[position] === reading.small[position];
  return (isSmall ? reading.smallLogprobUnderLarge : reading.bestLogprobUnderLarge)[position];
}

/** A target below it says that the large model should write the token. */
export const TARGET_MIDDLE = 0.5;

/**
 * How much each row counts so that the rarer side is not drowned: rows of the rarer side count as much
 * more as the tokens are rarer that they stand for, up to `balanceMax` times; 1 changes nothing.
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
