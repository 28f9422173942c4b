/** Labelled examples by a formula, for tests of the stages after labelling. */
import { toHalf } from '../../core/half.ts';
import { noiseKey, noiseUniform } from '../../core/noise.ts';
import { tokenId } from '../../core/token-id.ts';
import { featureSize, type RouterFeatures } from '../../judging/router-features.ts';
import type { LabelledExample } from '../fit/training-rows.ts';
import { citerTargets, type Target } from '../labels/targets.ts';
import type { Example } from '../traces/example-store.ts';
import { type Trajectory, trajectoryKey } from '../trajectory.ts';
import { questionOf } from './number-world.ts';

export const HIDDEN_SIZE = 6;
export const FEATURES: RouterFeatures = { hidden: true, topLogprobs: 2, tokenEmbedding: false };

export interface ExampleShape {
  readonly questionCount: number;
  readonly tokenCount: number;
  /** Tells from a token's features, each uniform in (-1, 1), whether the large model should write it. */
  readonly isLow: (features: readonly number[]) => boolean;
}

/** Makes one trajectory for each question. The models differ at every second token. */
export function labelledExamples({
  questionCount,
  tokenCount,
  isLow,
}: ExampleShape): readonly LabelledExample[] {
  const size = featureSize(FEATURES, HIDDEN_SIZE);
  return Array.from({ length: questionCount }, (_, index) => {
    const key = noiseKey(5, index, 'coin');
    const features = Float32Array.from({ length: tokenCount * size }, (_, at) => {
      return 2 * noiseUniform(key, at) - 1;
    });
    const positions = Array.from({ length: tokenCount }, (_, position) => position);
    const differs = (position: number): boolean => position % 2 === 0;
    const trajectory: Trajectory = {
      question: questionOf(index),
      source: 'large',
      prompt: [tokenId(0)],
      tokens: positions.map(() => tokenId(1)),
      value: 1,
    };
    const noise = (shift: number): Float32Array =>
      Float32Array.from(positions, (position) => -noiseUniform(key, 9000 + shift + position));
    const example: Example = {
      key: trajectoryKey(trajectory),
      trajectory,
      trace: {
        small: positions.map((position) => tokenId(differs(position) ? 2 : 1)),
        large: positions.map(() => tokenId(1)),
        ...{
          textLogprobUnderSmall: noise(0),
          smallLogprobUnderLarge: noise(100),
          bestLogprobUnderLarge: noise(200),
        },
        ...{ features: toHalf(features), featureSize: size },
      },
    };
    const preferences = positions.filter(differs).map((position) => {
      const low = isLow([...features.subarray(position * size, (position + 1) * size)]);
      return { position, smallValue: low ? 0 : 1, largeValue: 1 };
    });
    const targets: readonly Target[] = citerTargets(example.trace, preferences);
    return { example, targets };
  });
}
