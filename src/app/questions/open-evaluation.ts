/**
 * Opens a pair for an evaluation: an engine whose models remember on disk, by the digest of the model's
 * file, every greedy row that they computed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { catalogContext } from '../../catalog/catalog-context.ts';
import { definedFields } from '../../core/defined-fields.ts';
import { PilotfishError } from '../../core/errors.ts';
import { required } from '../../core/invariant.ts';
import { type ModelLabel, type ModelRole, modelsById } from '../../core/model-id.ts';
import { joinReads } from '../../core/row-reads.ts';
import { sharedPrefix } from '../../evaluation/prompts/shared-prefix.ts';
import type { EvaluatedModel, EvaluationPair } from '../../evaluation/run/evaluation-pair.ts';
import {
  checkWaveSize,
  SPARE_SEQUENCE_COUNT,
  sequenceCountOf,
} from '../../evaluation/run/sequence-counts.ts';
import { routerGate } from '../../judging/router-gate.ts';
import { PrefixCache } from '../../kv-cache/prefix-cache.ts';
import { cpuDevice } from '../../model/compute-device.ts';
import { libraryDigest, loadLibrary } from '../../model/llama-cpp/library.ts';
import type { LlamaCppModel } from '../../model/llama-cpp/model.ts';
import { CachedModel } from '../../model/remembered/cached-model.ts';
import type { RowFeatures } from '../../model/remembered/row-features.ts';
import { TrieStore } from '../../model/remembered/trie-store.ts';
import { fileDigest } from '../../storage/file-digest.ts';
import { fileError } from '../../storage/file-error.ts';
import type { StrategyValue } from '../../strategy/method.ts';
import { largeMethod, smallMethod } from '../../strategy/single-model.ts';
import { branchCountOf, strategyValue } from '../../strategy/strategy-value.ts';
import { TrainingPair } from '../../training/training-pair.ts';
import { elsewhereRole, withNamedServer } from '../elsewhere/reach-elsewhere.ts';
import type { ElsewhereFacts } from '../elsewhere/reached-model.ts';
import { type Heads, NO_HEADS } from '../heads/find-heads.ts';
import { type OpenEngineOptions, openEngine, type WrappedModel } from '../open-engine.ts';

export interface OpenEvaluationOptions
  extends Omit<OpenEngineOptions, 'wrapModel' | 'strategies' | 'requestCountMax'> {
  /** The strategies of later requests, beside both models alone. */
  readonly strategies: readonly StrategyValue[];
  /** Tokens of an answer at most. */
  readonly maxTokens: number;
  /** Questions that run side by side. */
  readonly waveSize: number;
  /** The number of sequences in each model beside those of requests; default 1, for evidence. */
  readonly spareSequenceCount?: number | undefined;
  /** If false, remembered rows are deleted when the pair is closed. Default true. */
  readonly keepsRows?: boolean | undefined;
}

interface OpenModel {
  readonly model: LlamaCppModel;
  readonly pool: PrefixCache;
  readonly cached: CachedModel;
  readonly store: TrieStore;
  readonly facts: EvaluatedModel;
}

/** The draft length of `speculative` in every evaluation. */
const DRAFT_LENGTH = 4;
/** The prompt length that the cache has room for; fewer long prompts fit side by side. */
const PROMPT_TOKEN_COUNT = 512;
/** The default context length. */
const CELL_COUNT_MIN = 4096;

/** @throws PilotfishError as `openEngine`, `file-system-failed`; `option-invalid` for too large a wave */
export async function openEvaluation(options: OpenEvaluationOptions): Promise<EvaluationPair> {
  checkWaveSize(options.waveSize, spareSequenceCountOf(options));
  if (options.keepsRows !== false) {
    return await openPair(options, join(catalogContext(options).home, 'evaluation-cache'));
  }
  // The rows of a single run are on disk, too, because all of them may exceed the memory.
  const folder = await temporaryFolder();
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const pair = await openPair(options, folder);
    const close = async (): Promise<void> => {
      try {
        await pair[Symbol.asyncDispose]();
      } finally {
        await remove();
      }
    };
    return { ...pair, [Symbol.asyncDispose]: close };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function temporaryFolder(): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), 'pilotfish-rows-'));
  } catch (error) {
    throw fileError(error, {
      ...{ action: 'create a folder in', path: tmpdir() },
      otherwise: 'set TMPDIR to another folder',
    });
  }
}

async function openPair(options: OpenEvaluationOptions, folder: string): Promise<EvaluationPair> {
  const { strategies } = options;
  const { small: address } = options;
  if (elsewhereRole(await withNamedServer(options)) === 'small') throw withoutSmall(address);
  const requestCountMax = requestCountOf(options);
  const open = new Map<ModelLabel, OpenModel>();
  let elsewhere: ElsewhereFacts | null = null;
  let heads: Heads = NO_HEADS;
  const engine = await openEngine({
    ...options,
    // Answers of the small model alone would pass for those of the strategies.
    hub: options.hub && { ...options.hub, offline: 'stop' },
    strategies: [smallMethod, largeMethod].map((one) => strategyValue(one)).concat(strategies),
    cellCount: options.cellCount ?? cellCountOf(options),
    // Automatic draft lengths would depend on earlier requests and on this machine's speed.
    speculative: { ...options.speculative, proposer: 'small', draftLength: DRAFT_LENGTH },
    requestCountMax,
    onElsewhere: (facts) => {
      elsewhere = facts;
    },
    sequenceCountMax: sequenceCountOf(requestCountMax, spareSequenceCountOf(options)),
    wrapModel: async (model, of) => {
      const facts = await factsOf(model, of, options);
      const scope = { modelDigest: facts.digest, engine: libraryDigest(loadLibrary().paths.llama) };
      const store = new TrieStore(folder, scope);
      heads = of.heads;
      const features = featuresFor(of.labels, heads);
      const pool = new PrefixCache({ model });
      const cached = new CachedModel(model, store, { pool, features });
      for (const label of of.labels) open.set(label, { model, pool, cached, store, facts });
      return cached;
    },
  });
  const [small, large] = [opened(open, 'small'), open.get('large') ?? null];
  const largeFacts = required(large?.facts ?? elsewhere, 'a large model, here or elsewhere');
  const all = [...new Map([...open.values()].map((one) => [one.model, one])).values()];
  const others = [...open].map(([label, { facts }]) => [label, facts] as const);
  return {
    engine,
    ...modelsById({
      ...{ ...Object.fromEntries(others), small: small.facts },
      large: largeFacts,
    }),
    small: small.model,
    large: large?.model ?? null,
    pools: { small: small.pool, large: large?.pool ?? null },
    ...heads,
    strategyOptions: { steps: options.steps, samples: options.samples, uplink: options.uplink },
    // The engine has checked that the vocabularies agree up to this size.
    vocabularySize: Math.min(...[small, large].flatMap((one) => one?.model.vocabulary.size ?? [])),
    contextLength: Math.min(
      small.model.facts.contextLength,
      required(large?.model.facts ?? elsewhere, 'a large model').contextLength,
    ),
    library: libraryDigest(loadLibrary().paths.llama),
    template: options.template ?? 'own',
    rowCounts: () => ({
      known: sum(all.map(({ cached }) => cached.rowCounts.known)),
      computed: sum(all.map(({ cached }) => cached.rowCounts.computed)),
    }),
    share: async (prompts) => {
      const prefix = sharedPrefix(prompts);
      for (const { pool } of all) await pool.clear();
      // Models beside the pair read texts of their own.
      for (const { pool } of [small, ...(large === null ? [] : [large])]) await pool.pin(prefix);
    },
    remember: async (isOn) => {
      for (const { cached, pool } of all) {
        cached.remembers = isOn;
        await pool.clear();
      }
    },
    begin: () => cpuDevice.forget(),
    flush: async () => {
      for (const { store } of all) await store.flush();
    },
    release: async () => {
      for (const { store, pool } of all) {
        await pool.clear();
        await store.release();
      }
    },
    drop: () => {
      for (const { store } of all) store.drop();
    },
    [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose](),
  };
}

function withoutSmall(small = ''): PilotfishError {
  return new PilotfishError('option-invalid', 'An evaluation reads rows of the small model here.', {
    remedy: 'Name a small model that runs here with --small; the large one may be on a server.',
    fields: { option: '--small', value: small },
  });
}

/** The features that heads read off a model's rows; undefined: none. */
function featuresFor(labels: readonly ModelLabel[], heads: Heads): RowFeatures | undefined {
  if (labels.includes('small')) return smallFeatures(heads);
  return labels.includes('large') ? largeFeatures(heads) : undefined;
}

/** The features that heads read off the small model's rows; undefined: there is no head. */
function smallFeatures({ routers, rewards }: Heads): RowFeatures | undefined {
  const ofRouters = [...routers.values()].map((router) => routerGate(router).reads);
  const ofRewards = [...rewards.values()].map(({ features: { hidden } }) => ({ hidden }));
  const all = [...ofRouters, ...ofRewards];
  return all.length === 0 ? undefined : joinReads(...all);
}

/** The same for the large model. */
function largeFeatures({ rewards }: Heads): RowFeatures | undefined {
  const readsState = [...rewards.values()].some(({ features }) => features.large === 'state');
  return readsState ? { hidden: true } : undefined;
}

/** The requests of a wave; where it is small, as many as the branches of one request stand for. */
function requestCountOf({ waveSize, strategies, steps, samples }: OpenEvaluationOptions): number {
  const branches = strategies.map((value) => branchCountOf(value, { steps, samples }));
  return Math.max(waveSize, 1 + Math.max(0, ...branches));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** The number of cells for a wave and for the sequences beside it. */
function cellCountOf(options: OpenEvaluationOptions): number {
  const { maxTokens, contextLength } = options;
  const each = contextLength ?? maxTokens + PROMPT_TOKEN_COUNT;
  return Math.max(CELL_COUNT_MIN, (requestCountOf(options) + spareSequenceCountOf(options)) * each);
}

function spareSequenceCountOf({ spareSequenceCount }: OpenEvaluationOptions): number {
  return spareSequenceCount ?? SPARE_SEQUENCE_COUNT;
}

function opened(open: ReadonlyMap<ModelLabel, OpenModel>, role: ModelRole): OpenModel {
  return required(open.get(role), `the ${role} model was wrapped`);
}

async function factsOf(
  model: LlamaCppModel,
  { name, path, sha256 }: WrappedModel,
  options: OpenEvaluationOptions,
): Promise<EvaluatedModel> {
  const { parameterCounts, weightBytes, kvBytesPerToken, rowCountMax } = model.facts;
  const digest = sha256 ?? (await fileDigest(path, `Hashing ${name}`, options));
  return { name, digest, parameterCounts, weightBytes, kvBytesPerToken, rowCountMax };
}

/** The pair for a training, which no hub can serve. */
export function trainingPair({ small, large, pools }: EvaluationPair): TrainingPair {
  const models = { small, large: required(large, 'the large model is loaded here') };
  const [ofSmall, ofLarge] = [pools.small, pools.large].map((pool) => pool ?? undefined);
  return new TrainingPair(models, definedFields({ small: ofSmall, large: ofLarge }));
}
