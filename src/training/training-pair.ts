/** The two models that a head is trained for, open side by side. They remember nothing. */
import type { ModelRole } from '../core/model-id.ts';
import { ModelSet } from '../engine/model-set.ts';
import type { LanguageModel } from '../model/roles.ts';

export type LocalModels = Readonly<Record<ModelRole, LanguageModel>>;

export class TrainingPair extends ModelSet {
  readonly models: LocalModels;

  constructor(models: LocalModels) {
    super(models);
    this.models = models;
  }
}
