/**
 * A head: a small trained network beside a pair of models. A router judges tokens, a reward head judges
 * steps. Both are bound to the pair that they were trained for, and know which questions they have seen.
 */
import { createHash } from 'node:crypto';
import type { FoldedNetwork } from '../network/folded-network.ts';
import type { Calibration } from './calibration.ts';

/** A model by its name, for people, and by the SHA-256 of its file, in hex. */
export interface BoundModel {
  readonly name: string;
  readonly digest: string;
}

/** A bin of a reliability diagram. */
export interface ReliabilityPoint {
  /** Mean score. */
  readonly predicted: number;
  /** Mean label. */
  readonly observed: number;
  readonly count: number;
}

/** The facts of everything that is made for one pair of models: heads, and fits without a network. */
export interface BoundFacts {
  /** The strategy that uses it, such as `citer` or `rsd`. */
  readonly strategy: string;
  readonly pair: { readonly small: BoundModel; readonly large: BoundModel };
  /** The training in words and numbers, for people. */
  readonly training: Readonly<Record<string, string | number>>;
}

export interface HeadFacts extends BoundFacts {
  /** The hidden size of the small model. */
  readonly hiddenSize: number;
  /** Used if the user asks for neither a threshold nor a share. */
  readonly defaultThreshold: number;
  /** The thresholds for shares; null if the head was not calibrated. */
  readonly calibration: Calibration | null;
  /** The held-out scores against their labels, by non-empty bins. */
  readonly reliability: readonly ReliabilityPoint[];
}

/** Which file it is, and the questions that it must not be evaluated on. */
export interface SeenQuestions {
  /** The digest of the file's content, in hex. */
  readonly digest: string;
  /** Hashes of the training questions (see `questionNumber`). */
  readonly trainedOn: ReadonlySet<number>;
  /** Hashes of the questions on which its thresholds were found. */
  readonly calibratedOn: ReadonlySet<number>;
}

/** The content of a head's file beside its facts. */
export interface HeadContent extends SeenQuestions {
  readonly network: FoldedNetwork;
}

const DIGEST_DIGITS = 16;

/**
 * The digest of the facts that scores depend on, and of nothing else: calibration does not change it.
 * @param facts beside the network
 */
export function networkDigest({ layers }: FoldedNetwork, facts: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const { weights, biases } of layers) {
    for (const numbers of [weights, biases]) {
      hash.update(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    }
  }
  return hash.digest('hex').slice(0, DIGEST_DIGITS);
}
