/** The two models of an evaluation: loaded, and behind a memory of their computed rows. */

import type { ParameterCounts } from '../../core/events.ts';
import {
  labelledModel,
  type ModelLabel,
  type ModelRole,
  type ModelsById,
  type PairLabels,
} from '../../core/model-id.ts';
import type { TokenId } from '../../core/token-id.ts';
import type { Engine } from '../../engine/engine.ts';
import type { RewardHead } from '../../judging/reward-head.ts';
import type { Router } from '../../judging/router.ts';
import type { LanguageModel } from '../../model/roles.ts';
import type { SequencePool } from '../../model/sequence-source.ts';
import type { OptionGroup } from '../../strategy/method.ts';
import type { StrategyOptions } from '../../strategy/strategy-options.ts';

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
  /** The small model behind the memory: it remembers no rows. */
  readonly small: LanguageModel;
  /** The large model behind the memory; null: a hub has it. */
  readonly large: LanguageModel | null;
  /** The sequences of both: what all prompts begin with is pinned there. */
  readonly pools: Readonly<Record<ModelRole, SequencePool | null>>;
  /** Trained routers, by the strategy that they route for. */
  readonly routers: ReadonlyMap<string, Router>;
  /** Trained rewards, likewise. */
  readonly rewards: ReadonlyMap<string, RewardHead>;
  /** The options that strategies were built with; absent: the defaults. */
  readonly strategyOptions?: Pick<StrategyOptions, OptionGroup> | undefined;
  readonly vocabularySize: number;
  readonly contextLength: number;
  /** SHA-256 of the native library, in hex: logits of another build differ in their last digits. */
  readonly library: string;
  /** The role whose chat template the user chose; `own` where the user chose none. */
  readonly template: string;
  /** The output rows that were remembered, and those that a model computed. */
  rowCounts(): { readonly known: number; readonly computed: number };
  /** From now on the common prefix of these prompts is read once. No request may be running. */
  share(prompts: readonly (readonly TokenId[])[]): Promise<void>;
  /** Turns the memory of rows and the shared prefix on or off. A live check turns them off. */
  remember(isOn: boolean): Promise<void>;
  /** Batches the next forwards as if nothing had run before. No request may be running. */
  begin(): void;
  /** Writes new rows to disk. No request may be running. */
  flush(): Promise<void>;
  /** Writes new rows to disk and forgets the prompts so far. */
  release(): Promise<void>;
  /** Forgets the prompts so far and new rows. */
  drop(): void;
}

/** The model of a label, as results and routers name it. */
export function nameAndDigest(
  pair: ModelsById<EvaluatedModel>,
  label: ModelLabel,
): Pick<EvaluatedModel, 'name' | 'digest'> {
  const { name, digest } = labelledModel(pair, label);
  return { name, digest };
}
