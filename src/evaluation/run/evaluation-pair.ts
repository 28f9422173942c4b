/** The two models of an evaluation, open and remembering. */

import type { ParameterCounts } from '../../core/events.ts';
import {
  labelledModel,
  type ModelRole,
  type ModelsById,
  type PairLabels,
} from '../../core/model-id.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Engine } from '../../engine/engine.ts';
import type { Router } from '../../judging/router.ts';
import type { LanguageModel } from '../../model/roles.ts';

/** The facts that costs are computed from, and the digest that tells one model from another. */
export interface EvaluatedModel {
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly digest: string;
  readonly parameterCounts: ParameterCounts;
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
  /** Rows of a prefill chunk. */
  readonly rowCountMax: number;
}

export interface EvaluationPair extends ModelsById<EvaluatedModel, PairLabels>, AsyncDisposable {
  readonly engine: Pick<Engine, 'generate' | 'promptTokens'>;
  /** The small model behind the memory: it remembers no rows, but reads what is shared once. */
  readonly small: LanguageModel;
  /** The same of the large one. */
  readonly large: LanguageModel;
  /** By the strategy that they route for. */
  readonly routers: ReadonlyMap<string, Router>;
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** SHA-256 of the native library, in hex: another build has other last digits. */
  readonly library: string;
  /** Whose chat template was asked to hold; `own` where nobody was. */
  readonly template: string;
  /** Output rows that were remembered, and those that a model computed. */
  rowCounts(): { readonly known: number; readonly computed: number };
  /** What all these prompts begin with is read once from now on. No request may be running. */
  share(prompts: readonly (readonly TokenId[])[]): Promise<void>;
  /** Whether rows are remembered, and beginnings shared: off for a live check. */
  remember(isOn: boolean): Promise<void>;
  /** What comes next is batched as if nothing had run before. No request may be running. */
  begin(): void;
  /** Writes what is new. No request may be running. */
  flush(): Promise<void>;
  /** Writes what is new and forgets the prompts so far. */
  release(): Promise<void>;
  /** Forgets the prompts so far, and what is new. */
  drop(): void;
}

/** The model of a role, as results and routers name it. */
export function nameAndDigest(
  pair: ModelsById<EvaluatedModel>,
  role: ModelRole,
): Pick<EvaluatedModel, 'name' | 'digest'> {
  const { name, digest } = labelledModel(pair, role);
  return { name, digest };
}
