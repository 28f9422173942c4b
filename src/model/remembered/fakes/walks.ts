/** Random operations on sequences, and all their results. */
import fc from 'fast-check';
import type { RowProgram } from '../../../core/row-program.ts';
import { GREEDY } from '../../../core/sampling-params.ts';
import { type TokenId, tokenIds } from '../../../core/token-id.ts';
import type { LanguageModel, Sequence } from '../../roles.ts';
import { TOKEN_COUNT } from './counted-model.ts';

export type Step =
  | {
      readonly kind: 'forward';
      readonly tokens: readonly TokenId[];
      readonly outputs: number;
      readonly program: RowProgram;
      readonly hidden: boolean;
    }
  | { readonly kind: 'truncate' | 'fork'; readonly share: number }
  | { readonly kind: 'reopen' };

const TOKENS = fc.array(fc.nat(1), { minLength: 1, maxLength: 3 }).map(tokenIds);
const SHARE = fc.double({ min: 0, max: 1, noNaN: true });
export const GREEDY_PROGRAM: fc.Arbitrary<RowProgram> = fc.record({
  vocabularySize: fc.constant(TOKEN_COUNT),
  sampling: fc.constant(GREEDY),
  seed: fc.constant(1),
  purpose: fc.constant('sample'),
  uncertainty: fc.boolean(),
  logprob: fc.boolean(),
});
export const ANY_PROGRAM: fc.Arbitrary<RowProgram> = fc
  .tuple(GREEDY_PROGRAM, fc.nat(6), fc.integer({ min: 2, max: TOKEN_COUNT }))
  .map(([program, kind, vocabularySize]) => {
    if (kind === 0) return { ...program, sampling: { ...GREEDY, temperature: 0.8 } };
    if (kind === 1) return { ...program, distribution: true };
    if (kind === 3) return { ...program, topLogprobs: vocabularySize };
    return kind === 2 ? { ...program, vocabularySize } : program;
  });

/**
 * Programs whose rows are remembered with features: they may also read that many log-probabilities.
 */
export const FEATURED_PROGRAM: fc.Arbitrary<RowProgram> = fc
  .tuple(GREEDY_PROGRAM, fc.nat(4))
  .map(([program, topLogprobs]) => (topLogprobs === 0 ? program : { ...program, topLogprobs }));

export function steps(
  program: fc.Arbitrary<RowProgram>,
  hidden: fc.Arbitrary<boolean>,
): fc.Arbitrary<Step[]> {
  const forward = fc.record({
    ...{ kind: fc.constant('forward' as const), tokens: TOKENS, outputs: fc.nat(3) },
    ...{ program, hidden },
  });
  const cut = fc.record({
    kind: fc.constantFrom('truncate' as const, 'fork' as const),
    share: SHARE,
  });
  const reopen = fc.constant({ kind: 'reopen' as const });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 6, arbitrary: forward },
    { weight: 2, arbitrary: cut },
    { weight: 1, arbitrary: reopen },
  );
  return fc.array(step, { maxLength: 30 });
}

/** @returns every row, length and failure that the steps give */
export async function take(
  model: LanguageModel,
  all: readonly Step[],
): Promise<readonly unknown[]> {
  const seen: unknown[] = [];
  let sequence: Sequence = model.openSequence();
  for (const step of all) {
    if (step.kind === 'reopen') {
      await sequence[Symbol.asyncDispose]();
      sequence = model.openSequence();
    } else if (step.kind === 'forward') {
      const { tokens, outputs, program, hidden } = step;
      const outputFrom = Math.max(0, tokens.length - outputs);
      const request = { tokens, outputFrom, program: { ...program, hidden } };
      const done = sequence.forward(request).then(({ rows: found }) => found);
      seen.push(await done.catch(({ code }: { code: string }) => code));
    } else if (step.kind === 'fork') {
      const copy = await sequence.fork(at(step.share, sequence));
      await sequence[Symbol.asyncDispose]();
      sequence = copy;
    } else await sequence.truncate(at(step.share, sequence));
    seen.push(sequence.length);
  }
  await sequence[Symbol.asyncDispose]();
  return seen;
}

function at(share: number, { length }: Sequence): number {
  return Math.floor(share * length);
}
