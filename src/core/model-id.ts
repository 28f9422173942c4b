/**
 * The names of models. Events, costs, records and stores are keyed by the id of a model, so that an
 * engine may hold any number of models. The role of a model in a run is a label that points to an
 * id.
 */

import { required } from './invariant.ts';

/** Names one model of an engine, in its events, logs and records. */
export type ModelId = string;

/** The order in which ids are given out. */
export const MODEL_LABELS = ['small', 'large', 'reward', 'judge', 'hub'] as const;

/** The roles that a model may play. */
export type ModelLabel = (typeof MODEL_LABELS)[number];

/** The two ends of a pair. In speculation the small one is the draft, the large one the target. */
export type ModelRole = 'small' | 'large';

/** A pair in which either model may be missing. */
export type ByRole<T> = Readonly<Record<ModelRole, T | null>>;

/** The id of the model of each label; undefined for a label without a model. */
export type ModelLabels = { readonly [L in ModelLabel]?: ModelId | undefined };

/** The labels of a whole pair. */
export type PairLabels = ModelLabels & Readonly<Record<ModelRole, ModelId>>;

/** Models by their ids, with the labels that point to them. */
export interface ModelsById<M, L = ModelLabels> {
  readonly models: Readonly<Record<ModelId, M>>;
  readonly labels: L;
}

interface Named {
  readonly name: string;
}

/**
 * Gives models their ids, which are their names. Of two models with the same name, the later one
 * gets its label added, as in `qwen (large)`. A model with several labels has one id.
 */
export function modelsById<M extends Named>(
  byLabel: ByLabel<M> & Readonly<Record<ModelRole, M>>,
): ModelsById<M, PairLabels>;
export function modelsById<M extends Named, L extends ModelLabel>(
  byLabel: Readonly<Record<L, M>>,
): ModelsById<M, Readonly<Record<L, ModelId>>>;
export function modelsById<M extends Named>(byLabel: ByLabel<M>): ModelsById<M>;
export function modelsById<M extends Named>(byLabel: ByLabel<M>): ModelsById<M> {
  const models = new Map<ModelId, M>();
  const labels: { [L in ModelLabel]?: ModelId } = {};
  for (const label of MODEL_LABELS) {
    const model = byLabel[label] ?? null;
    if (model === null) continue;
    const known = [...models].find(([, other]) => other === model)?.[0];
    let id = known ?? model.name;
    while (known === undefined && models.has(id)) id += ` (${label})`;
    models.set(id, model);
    labels[label] = id;
  }
  return { models: Object.fromEntries(models), labels };
}

type ByLabel<M> = { readonly [L in ModelLabel]?: M | null | undefined };

/** The model with a label. @throws InvariantError if there is none */
export function labelledModel<M>({ models, labels }: ModelsById<M>, label: ModelLabel): M {
  return required(models[required(labels[label], `a model is ${label}`)], `${label} has a model`);
}

/** The first label of a model; null if it has none. */
export function labelOf(labels: ModelLabels, id: ModelId): ModelLabel | null {
  return MODEL_LABELS.find((label) => labels[label] === id) ?? null;
}
