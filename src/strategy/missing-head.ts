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

export function missingHead({ strategy, kind, pair, trainedBy }: MissingHead): PilotfishError {
  const models = pair === undefined ? 'these models' : `${pair.small} and ${pair.large}`;
  return new PilotfishError(
    'head-missing',
    `${strategy} needs a ${kind} trained for ${models}, and there is none.`,
    {
      remedy: `Train one with \`${trainedBy}\`, or name its file with --head.`,
      fields: { strategy, ...pair },
    },
  );
}
