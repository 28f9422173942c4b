/** The two models that a router is trained for, open side by side. */
import type { ModelRole } from '../core/events.ts';
import type { TokenId } from '../core/token-id.ts';
import type { LanguageModel } from '../model/roles.ts';

export interface TrainingPair {
  /** The models themselves, which remember nothing. */
  readonly models: Readonly<Record<ModelRole, LanguageModel>>;
  /** Ids below it are in both vocabularies. */
  readonly vocabularySize: number;
  /** Of either model: the union, as in the engine. */
  isEndOfGeneration(id: TokenId): boolean;
}
