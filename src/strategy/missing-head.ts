/** The refusal of a method whose trained head is missing. */
import { PilotfishError } from '../core/errors.ts';
import type { HeadKind, Method } from './method.ts';

export interface MissingHead {
  readonly strategy: Method['name'];
  readonly kind: HeadKind;
  /** The models of the pair, where they are known. */
  readonly pair?: { readonly small: string; readonly large: string };
  /** The command that trains it. */
  readonly trainedBy: string;
}

/** Methods of the same kind that need no training. */
const UNTRAINED: Readonly<Record<HeadKind, string>> = {
  router: 'margin, which needs none',
  reward: 'rsd-entropy, which needs none',
};

export function missingHead({ strategy, kind, pair, trainedBy }: MissingHead): PilotfishError {
  const models = pair === undefined ? 'these models' : `${pair.small} and ${pair.large}`;
  return new PilotfishError(
    'head-missing',
    `${strategy} needs a ${kind} trained for ${models}, and there is none.`,
    {
      remedy: `Train one with \`${trainedBy}\`, name its file with --head, or take ${UNTRAINED[kind]}.`,
      fields: { strategy, ...pair },
    },
  );
}
