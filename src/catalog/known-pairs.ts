/** Pairs of known models that share a vocabulary, so that one can stand in for the other. */
import { PilotfishError } from '../core/errors.ts';
import { nearestNames } from './nearest-names.ts';

export interface ModelPair {
  readonly name: string;
  /** Names of models that are known or come with this package. */
  readonly small: string;
  readonly large: string;
  /** A process reward model of the steps of its task; absent: there is none. */
  readonly reward?: string;
}

export const DEFAULT_PAIR: ModelPair = {
  name: 'qwen2.5-coder',
  small: 'qwen2.5-coder-0.5b-instruct',
  large: 'qwen2.5-coder-1.5b-instruct',
};

/** They come with this package and do arithmetic word problems (pocket/README.md). */
export const POCKET_PAIR: ModelPair = {
  name: 'pocket',
  small: 'pocket-small',
  large: 'pocket-large',
  reward: 'pocket-judge',
};
const POCKET_STRONG_PAIR: ModelPair = {
  name: 'pocket-strong',
  small: 'pocket-small-strong',
  large: 'pocket-large',
  reward: 'pocket-judge',
};

export const KNOWN_PAIRS: readonly ModelPair[] = [DEFAULT_PAIR, POCKET_PAIR, POCKET_STRONG_PAIR];

/** @throws PilotfishError `pair-unknown` */
export function parsePair(name: string): ModelPair {
  const pair = KNOWN_PAIRS.find((candidate) => candidate.name === name);
  if (pair !== undefined) return pair;
  const names = KNOWN_PAIRS.map((candidate) => candidate.name);
  const near = nearestNames(name, names);
  const hint = near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : '';
  throw new PilotfishError('pair-unknown', `There is no pair named "${name}".${hint}`, {
    remedy:
      `Use one of these pairs: ${names.join(', ')}; or name two models that share a vocabulary ` +
      'with --small and --large.',
    fields: { pair: name },
  });
}
