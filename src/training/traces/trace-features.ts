/**
 * A router's features at the tokens of a trace. The trace holds the features of the state. The embedding
 * of the small model's token is looked up, because it is the same at every position.
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
  write(trace: Read, position: number, target: Uint16Array): void;
  /** Returns [size] halves, valid until the next call. */
  at(trace: Read, position: number): Uint16Array;
}

export interface TraceFeaturesOptions {
  readonly wanted: RouterFeatures;
  /** The features of the traces. */
  readonly read: StateFeatures;
  /** The size of the small model's hidden state. */
  readonly hiddenSize: number;
  /** The small model's embeddings, if they are wanted. */
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
    at: (trace, position) => {
      write(trace, position, buffer);
      return buffer;
    },
  };
}

/** Asks a model file for each token once: texts have few different tokens. */
function rememberingEach(embeddingOf: TokenEmbedding): TokenEmbedding {
  const known = new Map<TokenId, Float32Array>();
  return (id) => {
    const embedding = known.get(id) ?? embeddingOf(id);
    known.set(id, embedding);
    return embedding;
  };
}
