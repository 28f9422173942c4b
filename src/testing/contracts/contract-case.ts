/** A case of the language model contract, and readers of rows for the cases. */
import assert from 'node:assert/strict';
import { required } from '../../core/invariant.ts';
import type { RowProgram, RowResult } from '../../core/row-program.ts';
import { GREEDY } from '../../core/sampling-params.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { LanguageModel, Sequence } from '../../model/roles.ts';

export interface ContractCase {
  readonly name: string;
  run(model: LanguageModel, given: ContractInput): Promise<void>;
}

export interface ContractInput {
  /** At least 12 tokens that the model can read. */
  readonly tokens: readonly TokenId[];
  /**
   * Forwards of other shapes run other kernels, so logits differ in the last digits. A choice may differ
   * if the probabilities of two tokens are closer than this.
   */
  readonly tieMargin: number;
}

type Program = Partial<RowProgram>;

export function programFor(model: LanguageModel, changes: Program = {}): RowProgram {
  return {
    vocabularySize: model.vocabulary.size,
    sampling: GREEDY,
    seed: 1,
    purpose: 'sample',
    uncertainty: true,
    logprob: true,
    ...changes,
  };
}

export async function feed(
  model: LanguageModel,
  sequence: Sequence,
  tokens: readonly TokenId[],
  options: { outputFrom?: number; program?: Program } = {},
): Promise<readonly RowResult[]> {
  const { outputFrom = tokens.length - 1 } = options;
  const program = programFor(model, options.program);
  const { rows } = await sequence.forward({ tokens, outputFrom, program });
  return rows;
}

export function last(rows: readonly RowResult[]): RowResult {
  return required(rows.at(-1), 'the forward has an output row');
}

/** Asserts equal choices, or a tie that numerics may decide either way. */
export function assertSameChoice(a: RowResult, b: RowResult, tieMargin: number): void {
  if (a.tokenId === b.tokenId) return;
  const margin = Math.min(a.margin ?? 0, b.margin ?? 0);
  assert.ok(
    margin < tieMargin,
    `choices ${a.tokenId} and ${b.tokenId} differ at a margin of ${margin}`,
  );
}
