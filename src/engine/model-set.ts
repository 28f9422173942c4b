/**
 * The models of an engine, by label and by id: the facts that a request needs of all of them together,
 * and the sessions that it opens.
 */
import type { ModelCostFacts, TokenPrices } from '../core/events.ts';
import { required } from '../core/invariant.ts';
import {
  type ByRole,
  MODEL_LABELS,
  type ModelId,
  type ModelLabel,
  type ModelRole,
  type ModelsById,
  modelsById,
} from '../core/model-id.ts';
import type { SamplingParams } from '../core/sampling-params.ts';
import type { TokenId } from '../core/token-id.ts';
import type { Tokenizer } from '../core/tokenizer.ts';
import { type Lease, soleLease } from '../kv-cache/lease.ts';
import type { LanguageModel, ModelFacts, Vocabulary } from '../model/roles.ts';
import { LOCAL_CAPABILITIES, type SessionCapabilities } from '../session/capabilities.ts';
import { LocalSession } from '../session/local-session.ts';
import type { RemoteModel } from '../session/remote-model.ts';
import type { Session, SessionRequest } from '../session/session.ts';
import type { TokenMeaning } from '../session/write-boundary.ts';
import { commonVocabularySize } from '../vocabulary/vocabulary-comparison.ts';
import { TextTokens } from './text-tokens.ts';

/** A model that this process runs, or a model that runs elsewhere. */
export type EngineModel = LanguageModel | RemoteModel;

/** One model may have several labels. */
export type LabelledModels = { readonly [L in ModelLabel]?: EngineModel | null | undefined };

/** The facts of a model that determine its costs. */
export type CostFacts = Pick<
  ModelFacts,
  'name' | 'parameterCounts' | 'weightBytes' | 'kvBytesPerToken'
>;

export interface ModelSetOptions {
  /** Facts of a model of the pair that is not loaded, so that costs can be compared with it. */
  readonly absentFacts?: Partial<ByRole<CostFacts>> | undefined;
  readonly prices?: Partial<ByRole<TokenPrices>> | undefined;
}

/** The models that write a text, and therefore share its vocabulary and its length. */
const WRITERS: readonly ModelRole[] = ['small', 'large'];

/** Whether tokens of an answer may be those of the model with this label. */
export function isWriter(label: ModelLabel): boolean {
  return WRITERS.some((writer) => writer === label);
}

export class ModelSet {
  readonly #byLabel: LabelledModels;
  /** Every model of the set, and a model that costs are only compared with. */
  readonly costs: ModelsById<ModelCostFacts>;
  /** Token ids from this number on are padding in one of the writers. */
  readonly vocabularySize: number;
  /** Tokens that fit in every writer's context. */
  readonly contextLength: number;
  /** The union over the writers, so that no strategy writes past an end that any of them knows. */
  readonly endOfGenerationIds: ReadonlySet<TokenId>;

  /** @throws PilotfishError `vocabulary-mismatch`; InvariantError without a small or large model */
  constructor(models: LabelledModels, options: ModelSetOptions = {}) {
    this.#byLabel = models;
    const writers = WRITERS.flatMap((role) => models[role] ?? []);
    this.costs = costFacts(models, this.#main(), options);
    this.contextLength = Math.min(...writers.map(({ facts }) => facts.contextLength));
    this.vocabularySize = sharedVocabularySize(writers);
    this.endOfGenerationIds = new Set(
      writers.flatMap(({ vocabulary }) => [...vocabulary.endOfGenerationIds()]),
    );
  }

  /** The vocabulary of the large model, or of the only model. It tokenises the prompt. */
  get vocabulary(): Vocabulary {
    return this.#main().vocabulary;
  }

  /** Of the models that read the prompt; the first one tokenises it. */
  get vocabularies(): readonly [Vocabulary, ...Vocabulary[]] {
    const { vocabulary } = this.#main();
    const small = this.get('small')?.vocabulary;
    return small === undefined || small === vocabulary ? [vocabulary] : [vocabulary, small];
  }

  get(label: ModelLabel): EngineModel | null {
    return this.#byLabel[label] ?? null;
  }

  /** @throws InvariantError if no model has the label */
  idOf(label: ModelLabel): ModelId {
    return required(this.costs.labels[label], `a model is ${label}`);
  }

  /** The models that this process runs, each once. */
  local(): ReadonlyMap<ModelId, LanguageModel> {
    const local = new Map<ModelId, LanguageModel>();
    for (const label of MODEL_LABELS) {
      const model = this.get(label);
      if (model !== null && isLocal(model)) local.set(this.idOf(label), model);
    }
    return local;
  }

  /** The number of labels of each model of `local`. */
  labelCounts(): ReadonlyMap<ModelId, number> {
    const ids = MODEL_LABELS.flatMap((label) => this.costs.labels[label] ?? []);
    return new Map(ids.map((id) => [id, ids.filter((other) => other === id).length]));
  }

  /** Tokens that fit in the context of one model. */
  contextLengthOf(label: ModelLabel): number {
    return required(this.get(label), `the ${label} model is loaded`).facts.contextLength;
  }

  isRemote(label: ModelLabel): boolean {
    const model = this.get(label);
    return model !== null && !isLocal(model);
  }

  capabilitiesOf(
    label: ModelLabel,
    sampling: SamplingParams,
    hasGrammar: boolean,
  ): SessionCapabilities {
    const model = required(this.get(label), `the ${label} model is loaded`);
    if (isLocal(model)) return LOCAL_CAPABILITIES;
    return model.capabilitiesFor?.(sampling, hasGrammar) ?? model.capabilities;
  }

  /** What keeps a model from drawing with these parameters; null: nothing. */
  missingSamplingOf(
    label: ModelLabel,
    sampling: SamplingParams,
    hasGrammar: boolean,
  ): string | null {
    const model = this.get(label);
    if (model === null || isLocal(model)) return null;
    return model.missingSampling?.(sampling, hasGrammar) ?? null;
  }

  /** @param lease the request's lease, which holds the cells of local models */
  openSession(label: ModelLabel, lease: Lease, request: SessionRequest): Session {
    const model = required(this.get(label), `the ${label} model is loaded`);
    const modelId = this.idOf(label);
    if (!isLocal(model)) return model.openSession(modelId, request);
    const { rowCountMax, contextLength } = model.facts;
    return new LocalSession({ ...request, modelId, lease, rowCountMax, contextLength });
  }

  /** A lease of the local models for a text that shares its cells with no other. */
  soleLease(): Lease {
    return soleLease(Object.fromEntries(this.local()));
  }

  /** The tokens of a model's texts: those that the writers share, or those of another model alone. */
  tokensOf(label: ModelLabel): TokenMeaning & { readonly vocabularySize: number } {
    if (isWriter(label)) {
      return {
        vocabularySize: this.vocabularySize,
        isEndOfGeneration: (id) => this.isEndOfGeneration(id),
        tokenBytes: (id) => this.tokenBytes(id),
      };
    }
    const { vocabulary } = required(this.get(label), `the ${label} model is loaded`);
    const ends = new Set(vocabulary.endOfGenerationIds());
    return {
      vocabularySize: vocabulary.size,
      isEndOfGeneration: (id) => ends.has(id),
      tokenBytes: (id) => vocabulary.tokenBytes(id),
    };
  }

  /** The tokens of texts that are for one model alone. */
  tokenizerOf(label: ModelLabel): Tokenizer {
    const { facts, vocabulary } = required(this.get(label), `the ${label} model is loaded`);
    const texts = new TextTokens([vocabulary]);
    return {
      modelName: facts.name,
      chat: (messages) =>
        texts.tokens(texts.rendered(messages, (broken) => vocabulary.renderChat(broken))),
      beginning: (text) => texts.tokens(texts.plain(text)),
      continued: (text) => texts.continued(text),
    };
  }

  isEndOfGeneration(id: TokenId): boolean {
    return this.endOfGenerationIds.has(id);
  }

  tokenBytes(id: TokenId): Uint8Array {
    return this.vocabulary.tokenBytes(id);
  }

  /** Disposes of every model, one after the other. A failure does not stop the rest; the first is thrown. */
  async [Symbol.asyncDispose](): Promise<void> {
    const models = new Set(MODEL_LABELS.flatMap((label) => this.get(label) ?? []));
    const failures: unknown[] = [];
    for (const model of models) {
      try {
        await model[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  #main(): EngineModel {
    return required(this.get('large') ?? this.get('small'), 'an engine needs a model');
  }
}

function isLocal(model: EngineModel): model is LanguageModel {
  return 'openSequence' in model;
}

/** A model with several labels has one id: that of its first label. */
function costFacts(
  models: LabelledModels,
  main: EngineModel,
  options: ModelSetOptions,
): ModelsById<ModelCostFacts> {
  const facts: { [L in ModelLabel]?: ModelCostFacts | null } = {};
  for (const label of MODEL_LABELS) {
    const first = MODEL_LABELS.find((other) => models[other] === models[label]);
    const isShared = models[label] && first !== undefined && first !== label;
    facts[label] = isShared ? (facts[first] ?? null) : factsOfLabel(label, models, main, options);
  }
  return modelsById(facts);
}

function factsOfLabel(
  label: ModelLabel,
  models: LabelledModels,
  main: EngineModel,
  { absentFacts = {}, prices = {} }: ModelSetOptions,
): ModelCostFacts | null {
  const model = models[label] ?? null;
  const role = label === 'small' || label === 'large' ? label : null;
  const known = model?.facts ?? (role && absentFacts[role]) ?? null;
  if (known === null) return null;
  // A model that is only compared with would read the prompt in chunks like the loaded one.
  const prefillChunkRowCount = (model ?? main).facts.rowCountMax;
  const facts = factsOf(known, prefillChunkRowCount, (role && prices[role]) ?? null);
  const isBilled = model !== null && !isLocal(model) && model.isBilled === true;
  return isBilled ? { ...facts, isBilled } : facts;
}

function factsOf(
  { name, parameterCounts, weightBytes, kvBytesPerToken }: CostFacts,
  prefillChunkRowCount: number,
  prices: TokenPrices | null,
): ModelCostFacts {
  return { name, parameterCounts, weightBytes, kvBytesPerToken, prefillChunkRowCount, prices };
}

/** @throws PilotfishError `vocabulary-mismatch` */
function sharedVocabularySize([one, other]: readonly EngineModel[]): number {
  if (one === undefined) return 0;
  if (other === undefined) return one.vocabulary.size;
  return commonVocabularySize(tokenTable(one), tokenTable(other));
}

function tokenTable({
  facts,
  vocabulary,
}: EngineModel): Parameters<typeof commonVocabularySize>[0] {
  return {
    name: facts.name,
    size: vocabulary.size,
    tokenString: (id) => vocabulary.tokenString(id),
  };
}
