/**
 * The manifest of an evaluation's folder, `evaluation.json`: all inputs of its answers besides the
 * questions. Version 1 had one model under `small` and one under `large`. Version 2 has labels and
 * models by id, each with the short code that stands for it in the lines of answers.
 */
import { z } from 'zod';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import {
  labelledModel,
  labelOf,
  MODEL_LABELS,
  type ModelId,
  type ModelsById,
  modelsById,
  type PairLabels,
} from '../../core/model-id.ts';
import type { EvaluatedModel } from './evaluation-pair.ts';

export interface ManifestModel extends EvaluatedModel {
  /** The short name of the model in the lines of answers. */
  readonly code: string;
}

/** The facts of a run that a folder's manifest must agree with. */
export interface EvaluationFacts extends ModelsById<EvaluatedModel, PairLabels> {
  readonly library: string;
  readonly template: string;
  readonly contextLength: number;
  readonly maxTokens: number;
  /** The questions that run side by side: the last digits depend on the widths of batches. */
  readonly waveSize: number;
  readonly temperature: number;
  readonly drawSeed: number;
  /** The digests of heads, by their strategy; later runs may add more. The name is that of version 1. */
  readonly routers: Readonly<Record<string, string>>;
  /** The options of each strategy that differ from the defaults, as text; later runs may add more. */
  readonly options: Readonly<Record<string, string>>;
}

export interface Manifest extends EvaluationFacts {
  readonly version: typeof MANIFEST_VERSION;
  readonly models: Readonly<Record<ModelId, ManifestModel>>;
}

export const MANIFEST_VERSION = 2;

/**
 * The codes of a folder's models, and their ids in this run. The ids differ from those of the
 * folder where a file was renamed.
 */
export class ModelCodes {
  readonly #ids: ReadonlyMap<string, ModelId>;
  readonly #codes: ReadonlyMap<ModelId, string>;

  constructor(ids: ReadonlyMap<string, ModelId>) {
    this.#ids = ids;
    this.#codes = new Map([...ids].map(([code, id]) => [id, code]));
  }

  idOf(code: string): ModelId | null {
    return this.#ids.get(code) ?? null;
  }

  /** @throws InvariantError for a model that the folder does not have */
  codeOf(id: ModelId): string {
    return required(this.#codes.get(id), `${id} has a code`);
  }
}

export interface JoinedManifest {
  readonly manifest: Manifest;
  readonly codes: ModelCodes;
}

/**
 * The manifest of a folder, extended by the new models and routers of a run. Models that both have
 * keep the ids and codes of the folder.
 * @param found null: the folder is new
 * @throws PilotfishError `evaluation-invalid`, naming the first value that differs
 */
export function joinManifest(
  found: Manifest | null,
  run: EvaluationFacts,
  folder: string,
): JoinedManifest {
  if (found !== null) checkAgrees(found, run, folder);
  const models: Record<ModelId, ManifestModel> = { ...found?.models };
  // Models that this run does not use keep the ids of the folder.
  const ids = new Map(Object.entries(models).map(([id, { code }]) => [code, id]));
  for (const [id, model] of Object.entries(run.models)) {
    const label = labelOf(run.labels, id);
    const knownId = (label === null ? undefined : found?.labels[label]) ?? id;
    const known = Object.hasOwn(models, knownId) ? models[knownId] : undefined;
    checkSame(`${label ?? id} model digest`, known?.digest ?? model.digest, model.digest, folder);
    const code = known?.code ?? newCode(label ?? 'model', Object.values(models));
    models[knownId] = known ?? { ...model, code };
    ids.set(code, id);
  }
  const { library, template, contextLength, maxTokens, waveSize, temperature, drawSeed } = run;
  const manifest: Manifest = {
    version: MANIFEST_VERSION,
    models,
    labels: { ...run.labels, ...found?.labels },
    ...{ library, template, contextLength, maxTokens, waveSize, temperature, drawSeed },
    routers: { ...found?.routers, ...run.routers },
    options: { ...found?.options, ...run.options },
  };
  return { manifest, codes: new ModelCodes(ids) };
}

const SAME = [
  ...(['library', 'template', 'contextLength', 'maxTokens', 'waveSize'] as const),
  ...(['temperature', 'drawSeed'] as const),
];

/** @throws PilotfishError `evaluation-invalid` */
function checkAgrees(found: Manifest, run: EvaluationFacts, folder: string): void {
  for (const name of SAME) {
    checkSame(name, found[name], run[name], folder);
  }
  for (const [what, by] of [
    ['head', 'routers'],
    ['options', 'options'],
  ] as const) {
    for (const [strategy, now] of Object.entries(run[by])) {
      checkSame(`${what} of ${strategy}`, found[by][strategy] ?? now, now, folder);
    }
  }
  // A judge of the folder may be another model of the run.
  for (const label of MODEL_LABELS) {
    if (found.labels[label] === undefined || run.labels[label] === undefined) continue;
    const [before, now] = [labelledModel(found, label), labelledModel(run, label)];
    checkSame(`${label} model digest`, before.digest, now.digest, folder);
  }
}

/** The first letter of the label, with a number where it is taken. */
function newCode(label: string, models: readonly ManifestModel[]): string {
  const isTaken = (code: string): boolean => models.some((model) => model.code === code);
  const letter = label.charAt(0);
  for (let number = 1; ; number += 1) {
    const code = number === 1 ? letter : `${letter}${number}`;
    if (!isTaken(code)) return code;
  }
}

type Value = string | number;

function checkSame(name: string, found: Value, now: Value, folder: string): void {
  if (found === now) return;
  throw new PilotfishError(
    'evaluation-invalid',
    `${folder} holds an evaluation with ${name} ${found}; this one has ${now}.`,
    {
      remedy: 'Choose another folder with --out, or ask for what the folder holds.',
      fields: { folder, name, found, expected: now },
    },
  );
}

const MODEL = z.object({
  name: z.string(),
  digest: z.string(),
  parameterCounts: z.object({ body: z.number(), outputHead: z.number() }),
  weightBytes: z.number(),
  kvBytesPerToken: z.number(),
  rowCountMax: z.number(),
});

const REST = z.object({
  library: z.string(),
  template: z.string(),
  contextLength: z.number(),
  maxTokens: z.number(),
  waveSize: z.number(),
  temperature: z.number().default(0),
  drawSeed: z.number().default(0),
  routers: z.record(z.string(), z.string()).default({}),
  options: z.record(z.string(), z.string()).default({}),
});

const ID = z.string().optional();

const MANIFEST_2: z.ZodType<Manifest> = REST.extend({
  version: z.literal(MANIFEST_VERSION),
  models: z.record(z.string(), MODEL.extend({ code: z.string() })),
  labels: z.object({ small: z.string(), large: z.string(), reward: ID, judge: ID, hub: ID }),
});

const MANIFEST_1 = REST.extend({
  version: z.literal(1),
  models: z.object({ small: MODEL, large: MODEL }),
}).transform(({ models: { small, large }, ...rest }): Manifest => {
  const pair = { small: { ...small, code: 's' }, large: { ...large, code: 'l' } };
  return { ...rest, version: MANIFEST_VERSION, ...modelsById(pair) };
});

const VERSIONED = z.object({ version: z.number() });

/**
 * @param value the file's JSON; undefined if it is not JSON
 * @returns null if it describes no evaluation
 * @throws PilotfishError `evaluation-invalid` for an unknown version
 */
export function parseManifest(value: unknown, folder: string): Manifest | null {
  const versioned = VERSIONED.safeParse(value);
  const version = versioned.success ? versioned.data.version : MANIFEST_VERSION;
  if (version !== 1) checkSame('version', version, MANIFEST_VERSION, folder);
  const parsed = (version === 1 ? MANIFEST_1 : MANIFEST_2).safeParse(value);
  return parsed.success ? parsed.data : null;
}
