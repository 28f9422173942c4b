/**
 * Opens an engine from names. It finds or pulls the models that the strategies need, loads them, and
 * measures the costs that the strategies need.
 */
import { bundledModel } from '../catalog/bundled-models.ts';
import { findModel } from '../catalog/ensure-model.ts';
import { PilotfishError } from '../core/errors.ts';
import type { TokenPrices } from '../core/events.ts';
import { required } from '../core/invariant.ts';
import { type ByRole, MODEL_LABELS, type ModelLabel, type ModelRole } from '../core/model-id.ts';
import { Engine, type ModelScope } from '../engine/engine.ts';
import type { CostFacts, EngineModel } from '../engine/model-set.ts';
import type { LargeFailurePolicy } from '../engine/small-alone.ts';
import { POCKET_SCOPE } from '../evaluation/tasks/pocket/scope.ts';
import type { BoundModel } from '../judging/head.ts';
import type { CostCurve, StepCosts } from '../machines/step-costs.ts';
import type { LlamaCppModel } from '../model/llama-cpp/model.ts';
import { readModelFile } from '../model/llama-cpp/model-file.ts';
import type { LanguageModel, Vocabulary } from '../model/roles.ts';
import type { StrategyValue } from '../strategy/method.ts';
import type { RsdOptions } from '../strategy/rsd-options.ts';
import type { SampleOptions } from '../strategy/samples.ts';
import type {
  SpeculativeOptions,
  StrategyOptions,
  UplinkOptions,
} from '../strategy/strategy-options.ts';
import {
  asStrategy,
  labelsOf,
  STRATEGY_DEFAULT,
  type StrategyInput,
} from '../strategy/strategy-value.ts';
import { keptServerCosts } from './elsewhere/kept-server-costs.ts';
import {
  checkOpened,
  type ElsewhereOptions,
  elsewhereRole,
  type ReachedRole,
  reachElsewhere,
  withNamedServer,
} from './elsewhere/reach-elsewhere.ts';
import { ANY_HUB } from './elsewhere/reach-hub.ts';
import { checkElsewhere, type ElsewhereFacts } from './elsewhere/reached-model.ts';
import { asksForHeads, boundModel, checkBuilt, withSmallEmbeddings } from './heads/built-heads.ts';
import {
  findHeads,
  type Heads,
  type NamedHead,
  NO_HEADS,
  readNamedHeads,
} from './heads/find-heads.ts';
import {
  type Chosen,
  chooseModels,
  modelLabels,
  type Names,
  nameOf,
  pathOf,
} from './machine/choose-models.ts';
import { loadNamedModel } from './machine/load-named-model.ts';
import { localModelCosts, shortName } from './machine/local-profile.ts';
import type { PairOptions } from './pair-options.ts';

/**
 * Without `pair`, `small` and `large`, where the default pair is not here and no source has it, the
 * pair `pocket`, which comes with this package, answers instead: `onNotice` says so, and so do the
 * names in every `start`.
 */
export interface OpenEngineOptions extends PairOptions, ElsewhereOptions {
  /**
   * The strategies that requests will name; only their models are loaded. Default: entropy. Name
   * `speculative` here for automatic draft lengths, because the costs of steps are then measured.
   * Without those costs it drafts nothing and is plain `large`, and the summary says so.
   */
  readonly strategies?: readonly StrategyInput[] | undefined;
  /**
   * Tokens in each model's KV cache, for all requests together; default: one full context. A model with
   * several labels has as many for each.
   */
  readonly cellCount?: number | undefined;
  /** The number of requests that use one model at once if its cache has room; default 16. */
  readonly requestCountMax?: number | undefined;
  /**
   * The number of sequences in each model's KV cache, for running requests and for kept prefixes;
   * default 24. Raise it together with `requestCountMax`. A model with several labels has as many for
   * each.
   */
  readonly sequenceCountMax?: number | undefined;
  /** As `EngineOptions.overcommit`: reserve room for 1/n of the tokens that a request may write. */
  readonly overcommit?: number | undefined;
  /** Prices of the models' tokens. Without them a summary has no price. */
  readonly prices?: Partial<ByRole<TokenPrices>> | undefined;
  readonly speculative?: Omit<SpeculativeOptions, 'costs'> | undefined;
  /** Where steps end, and how rewards decide about them. */
  readonly steps?: RsdOptions | undefined;
  /** Samples to choose from: answers, tries of a step, and further drafts of a step. */
  readonly samples?: SampleOptions | undefined;
  /** Hybrid inference: what a device sends. */
  readonly uplink?: UplinkOptions | undefined;
  /** Told of what a device sends with each draft that it transmits. */
  readonly onTransmit?: StrategyOptions['onTransmit'];
  /**
   * Whether the engine also opens if a strategy's head is missing. The strategy then fails when a
   * request names it. Default false.
   */
  readonly headsOptional?: boolean | undefined;
  /**
   * Files of trained heads (routers, rewards), which replace those that come with this package. Each must
   * serve one of the strategies.
   */
  readonly headFiles?: readonly string[] | undefined;
  /** What happens when a large model elsewhere does not answer any more. Default: that of the hub. */
  readonly onLargeFailure?: LargeFailurePolicy | undefined;
  /** Told of a model of the pair that is not loaded here. */
  readonly onElsewhere?: ((facts: ElsewhereFacts) => void) | undefined;
  /** Wraps a loaded model; the wrapper then owns it. Default: no wrapper. */
  readonly wrapModel?:
    | ((model: LlamaCppModel, of: WrappedModel) => Promise<LanguageModel>)
    | undefined;
}

/** In a fixed order: the small model loads first. */
const PAIR_ROLES: readonly ModelRole[] = ['small', 'large'];

export interface WrappedModel {
  /** The labels that point to it, at least one. */
  readonly labels: readonly ModelLabel[];
  readonly name: string;
  readonly path: string;
  /** SHA-256 of the file, in hex; null for a file given by its path, which is not hashed. */
  readonly sha256: string | null;
  /** The heads that strategies use. */
  readonly heads: Heads;
}

/**
 * Opens an engine for strategies: finds or pulls the models that they need, and loads them.
 *
 * @throws PilotfishError `option-invalid`, `strategy-unknown`, `threshold-invalid`, `pair-unknown`,
 *   `head-missing`, `head-invalid`, `head-mismatch`, `vocabulary-mismatch`, `aborted`, and what
 *   `ensureModel` and `loadModel` throw; nothing stays loaded then
 *
 * @example
 * await using engine = await openEngine({ strategies: ['entropy'] });
 * for await (const event of engine.generate({ prompt: 'Water boils at', strategy: 'entropy@1' })) {
 *   if (event.type === 'token') process.stdout.write(event.text);
 * }
 */
export async function openEngine(given: OpenEngineOptions = {}): Promise<Engine> {
  const options = await withNamedServer(given);
  const { headFiles = [] } = options;
  const strategies = (options.strategies ?? [STRATEGY_DEFAULT]).map(asStrategy);
  const labels = neededLabels(strategies, options);
  // Checked first, so that a wrong file costs no download and a missing head no load.
  const named = await readNamedHeads(headFiles, strategies, options.uplink);
  const elsewhere = await reachElsewhere(options);
  try {
    // A head is bound to both models, also where one of them is not loaded.
    const hasHeads = asksForHeads(strategies, options.uplink);
    const roles = PAIR_ROLES.filter((role) => role !== elsewhere?.role);
    const neededFiles = MODEL_LABELS.filter(
      (label) => labels.includes(label) || (hasHeads && roles.some((role) => role === label)),
    );
    const chosen = await chooseModels(neededFiles, options);
    const heads = hasHeads
      ? await headsFor({ ...chosen, strategies, elsewhere }, named, options)
      : NO_HEADS;
    const { steps, samples, headsOptional = false } = options;
    if (!headsOptional) checkBuilt(strategies, { steps, samples, ...heads });
    if (elsewhere !== null) {
      const { role, model } = elsewhere;
      checkElsewhere(strategies, { ...options, ...heads }, { ...model, role });
    }
    return await loadEngine({ ...chosen, strategies, labels, heads, elsewhere }, options);
  } catch (error) {
    await elsewhere?.model.close();
    throw error;
  }
}

interface Prepared extends Chosen {
  readonly strategies: readonly StrategyValue[];
  readonly labels: readonly ModelLabel[];
  readonly heads: Heads;
  readonly elsewhere: ReachedRole | null;
}

async function loadEngine(
  { names, files, strategies, labels, heads: found, elsewhere }: Prepared,
  options: OpenEngineOptions,
): Promise<Engine> {
  const models: { [L in ModelLabel]?: LlamaCppModel } = {};
  /** The owner of each model: the model itself or its wrapper. */
  const owners: { [L in ModelLabel]?: EngineModel } = {};
  const loaded = modelLabels(labels, files);
  try {
    for (const [label, own] of loaded) {
      const name = nameOf(names, label);
      const model = await loadNamedModel(name, pathOf(files, label), own.length, options);
      for (const one of own) {
        models[one] = model;
        owners[one] = model;
      }
    }
    if (elsewhere !== null) {
      const { role, model } = elsewhere;
      options.onElsewhere?.(model.facts);
      const opened = await model.open(tokensOf(models[otherRole(role)]));
      owners[role] = opened;
      checkOpened(opened, elsewhere, strategies, { ...options, ...found });
    }
    const costs = await stepCosts({ models, strategies, elsewhere }, options);
    const heads = { ...found, routers: withSmallEmbeddings(found.routers, models.small ?? null) };
    for (const [label, own] of loaded) {
      const [model, file] = [models[label], files[label]];
      if (model === undefined || file === undefined || options.wrapModel === undefined) continue;
      // The file may have a longer name of its own: its path.
      const of = { ...file, labels: own, name: shortName(nameOf(names, label)), heads };
      const owner = await options.wrapModel(model, of);
      for (const one of own) owners[one] = owner;
    }
    const { speculative, steps, samples, uplink, template, prices } = options;
    const { requestCountMax, overcommit, onTransmit } = options;
    return new Engine({
      models: owners,
      absentFacts: await absentFacts(names, owners, options),
      speculative: { ...speculative, costs, ...lengthElsewhere(speculative, elsewhere, costs) },
      ...{ steps, samples, uplink, onTransmit, ...heads },
      scope: scopeOf(names, labels, elsewhere),
      ...{ template, prices, requestCountMax, overcommit },
      onLargeFailure: options.onLargeFailure ?? options.hub?.offline,
    });
  } catch (error) {
    const owned = new Set(Object.values(owners));
    await Promise.allSettled([...owned].map((owner) => owner[Symbol.asyncDispose]()));
    throw error;
  }
}

/** That of models that come with this package. What a model elsewhere can do is not known. */
function scopeOf(
  names: Names,
  labels: readonly ModelLabel[],
  elsewhere: ReachedRole | null,
): ModelScope | undefined {
  const areBundled = labels.every((label) => bundledModel(nameOf(names, label)) !== null);
  return areBundled && elsewhere === null ? POCKET_SCOPE : undefined;
}

/** Of a server that `advise` has not measured no length is known to pay: a short one is drafted. */
const ELSEWHERE_DRAFT_LENGTH = 4;

function lengthElsewhere(
  { draftLength = 'auto' }: Pick<SpeculativeOptions, 'draftLength'> = {},
  elsewhere: ReachedRole | null,
  costs: StepCosts | null,
): Pick<SpeculativeOptions, 'draftLength'> {
  return elsewhere?.role === 'large' && costs === null && draftLength === 'auto'
    ? { draftLength: ELSEWHERE_DRAFT_LENGTH }
    : {};
}

function otherRole(role: ModelRole): ModelRole {
  return role === 'large' ? 'small' : 'large';
}

function tokensOf(here: LlamaCppModel | undefined): Vocabulary {
  return required(here, 'one model of the pair runs here').vocabulary;
}

async function headsFor(
  { names, files, strategies, elsewhere }: Omit<Prepared, 'labels' | 'heads'>,
  named: readonly NamedHead[],
  options: OpenEngineOptions,
): Promise<Heads> {
  const bound = async (role: ModelRole): Promise<BoundModel | null> => {
    if (role === elsewhere?.role) return elsewhere.model.bound;
    const file = required(files[role], `${role} has a file`);
    return await boundModel(shortName(nameOf(names, role)), file, options);
  };
  const [small, large] = [await bound('small'), await bound('large')];
  if (small === null || large === null) return withoutHeads(strategies, options);
  const models = { small, large };
  const isOptional = options.headsOptional ?? false;
  return await findHeads({ strategies, uplink: options.uplink, models, named, isOptional });
}

/** Without knowing which model a server has, no head can be said to be trained for it. */
function withoutHeads(strategies: readonly StrategyValue[], options: OpenEngineOptions): Heads {
  const trained = strategies.find(({ method }) => method.head !== null);
  if (trained === undefined || options.headsOptional === true) return NO_HEADS;
  const role = elsewhereRole(options) ?? 'large';
  throw new PilotfishError(
    'head-missing',
    `${trained.text} is trained for one pair of models, and nothing says which model ${options[role]} is.`,
    {
      remedy:
        'Name the model of the pair that the server has with --large-as, or `as` in models.yaml, or choose ' +
        'margin.',
      fields: { strategy: trained.text },
    },
  );
}

/**
 * The labels of the models to load, in a fixed order: the small model loads first.
 * @throws PilotfishError `option-invalid`, `capability-missing`
 */
function neededLabels(
  strategies: readonly StrategyValue[],
  options: OpenEngineOptions,
): readonly ModelLabel[] {
  const { speculative, steps, samples, hub, large } = options;
  const needed = new Set(
    strategies.flatMap((value) => labelsOf(value, { speculative, steps, samples })),
  );
  if (needed.size === 0) {
    throw new PilotfishError('option-invalid', 'No strategy was named.', {
      remedy: 'Name at least one strategy.',
    });
  }
  const role = elsewhereRole(options);
  if (role === null) return MODEL_LABELS.filter((label) => needed.has(label));
  if (hub !== undefined && large !== undefined) {
    throw new PilotfishError('option-invalid', 'The large model is named, and a hub has it.', {
      remedy: 'Give either --large or --hub.',
      fields: { option: '--large', value: large },
    });
  }
  if (hub !== undefined) checkElsewhere(strategies, options, ANY_HUB);
  // It turns texts into tokens, also where the other one writes alone.
  return [otherRole(role)];
}

/** Facts of the pair's other model if its file is on this machine; costs are compared with it. */
async function absentFacts(
  names: Names,
  present: { readonly [L in ModelLabel]?: unknown },
  options: OpenEngineOptions,
): Promise<Partial<ByRole<CostFacts>>> {
  const facts: Partial<Record<ModelRole, CostFacts>> = {};
  for (const role of PAIR_ROLES) {
    if (present[role] !== undefined) continue;
    try {
      const name = nameOf(names, role);
      const found = await findModel(name, options);
      if (found === null) continue;
      facts[role] = { ...(await readModelFile(found.path)), name: shortName(name) };
    } catch (error) {
      // A model that no strategy needs may be missing or broken; costs are then not compared with it.
      if (!PilotfishError.isInstance(error)) throw error;
    }
  }
  return facts;
}

interface Costed extends Pick<Prepared, 'strategies' | 'elsewhere'> {
  readonly models: Partial<ByRole<LlamaCppModel>>;
}

/** Only automatic draft lengths need costs; other strategies start without measuring. */
async function stepCosts(
  { models, strategies, elsewhere }: Costed,
  options: OpenEngineOptions,
): Promise<StepCosts | null> {
  const areUsed = strategies.some(({ method }) => method.usesStepCosts);
  const { draftLength = 'auto' } = options.speculative ?? {};
  if (!areUsed || draftLength !== 'auto') return null;
  const curve = async (model: LlamaCppModel | null = null): Promise<CostCurve | null> => {
    if (model === null) return null;
    const { decode, overheadMs } = (await localModelCosts(model, options)).costs;
    // The overhead around a forward counts, too: for tiny models it is as large as the forward.
    return { points: decode.map(({ rowCount, ms }) => ({ rowCount, ms: ms + overheadMs })) };
  };
  if (elsewhere === null) {
    return { small: await curve(models.small), large: await curve(models.large) };
  }
  if (elsewhere.role === 'small') return null;
  const large = await keptServerCosts(elsewhere.model.facts, options);
  return large === null ? null : { small: await curve(models.small), ...large };
}
