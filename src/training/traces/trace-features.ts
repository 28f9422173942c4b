/**
 * A router's features at the tokens of a reading: those of the state are kept there, the embedding of
 * the token that the small model chose is looked up, for it is the same at every position.
 */
import { required } from '../../core/invariant.ts';
import type { TokenId } from '../../core/token-id.ts';
import {
  featureSize,
  type RouterFeatures,
  type StateFeatures,
  type TokenEmbedding,
  writeTokenFeatures,
} from '../../judging/router-features.ts';
import { featureColumns } from './feature-columns.ts';
import type { TeacherForcedTrace } from './trace.ts';

type Read = Pick<TeacherForcedTrace, 'features' | 'small'>;

export interface TraceFeatures {
  readonly size: number;
  /** @param target [size] halves */
  write(reading: Read, position: number, target: Uint16Array): void;
  /** [size] halves, valid until it is called again. */
  at(reading: Read, position: number): Uint16Array;
}

export interface TraceFeaturesOptions {
  readonly wanted: RouterFeatures;
  /** What the readings have. */
  readonly read: StateFeatures;
  /** Of the small model. */
  readonly hiddenSize: number;
  /** Of the small model, if they are wanted. */
  readonly embeddingOf?: TokenEmbedding | undefined;
}

export function traceFeatures({
  wanted,
  read,
  hiddenSize,
  embeddingOf,
}: TraceFeaturesOptions): TraceFeatures {
  const columns = featureColumns(wanted, read, hiddenSize);
  const size = featureSize(wanted, hiddenSize);
  const buffer = new Uint16Array(size);
  const remembered = embeddingOf && rememberingEach(embeddingOf);
  const write: TraceFeatures['write'] = ({ features, small }, position, target) => {
    target.set(columns.of(features, position));
    const token = required(small[position], 'a token at every position');
    writeTokenFeatures(token, wanted, remembered, target);
  };
  return {
    size,
    write,
    at: (reading, position) => {
      write(reading, position, buffer);
      return buffer;
    },
  };
}

/** Texts have few different tokens, and a model file is asked for each of them once. */
function rememberingEach(embeddingOf: TokenEmbedding): TokenEmbedding {
  const known = new Map<TokenId, Float32Array>();
  return (id) => {
    const embedding = known.get(id) ?? embeddingOf(id);
    known.set(id, embedding);
    return embedding;
  };
}
