/**
 * Everything that advice is made of, gathered: facts of the models' files, the machine's profile, how
 * the strategies behave. What is known already or given is not measured.
 */
import { ensureModel } from './catalog/ensure-model.ts';
import { DEFAULT_PAIR, parsePair } from './catalog/known-pairs.ts';
import type { ModelRole } from './core/events.ts';
import { emptyProfile, type MachineProfile, withModel } from './cost/machine-profile.ts';
import type { CostedModel } from './cost/profile-costs.ts';
import {
  localModelCosts,
  localProfileName,
  profileStore,
  shortName,
  thisMachine,
  useBestThreads,
} from './local-profile.ts';
import { type Behaviour, MEASURED_STRATEGIES, measureBehaviour } from './measure-behaviour.ts';
import { loadModel } from './model/llama-cpp/model.ts';
import { readModelFile } from './model/llama-cpp/model-file.ts';
import { type OpenEngineOptions, openEngine } from './open-engine.ts';

export interface PrepareAdviceOptions
  extends Pick<
    OpenEngineOptions,
    | 'pair'
    | 'small'
    | 'large'
    | 'threadCount'
    | 'template'
    | 'home'
    | 'offline'
    | 'signal'
    | 'onProgress'
    | 'onNotice'
  > {
  /** A profile's name or file; default: this machine's own. */
  readonly profile?: string;
  /** Of the machine that a remote large model runs on; default: the same. */
  readonly remoteProfile?: string;
  /** False where the user said how the strategies behave. */
  readonly triesOut: boolean;
}

export interface AdviceInputs {
  readonly models: Readonly<Record<ModelRole, CostedModel>>;
  readonly profile: MachineProfile;
  readonly remoteProfile: MachineProfile;
  /** Null where nothing was tried out. */
  readonly behaviour: Behaviour | null;
}

const ROLES: readonly ModelRole[] = ['small', 'large'];

/** @throws PilotfishError `profile-unknown`, `profile-invalid`, and what models give rise to */
export async function prepareAdvice(options: PrepareAdviceOptions): Promise<AdviceInputs> {
  const store = profileStore(options);
  // What is misspelt is found out before a model is loaded.
  const given = options.profile === undefined ? null : await store.find(options.profile);
  const remote =
    options.remoteProfile === undefined ? null : await store.find(options.remoteProfile);
  const files = { small: await fileOf('small', options), large: await fileOf('large', options) };
  const profile = given ?? (await ownProfile(files, options));
  return {
    models: { small: files.small.model, large: files.large.model },
    profile,
    remoteProfile: remote ?? profile,
    behaviour: options.triesOut ? await tryOut(options) : null,
  };
}

interface ModelFile {
  readonly path: string;
  readonly model: CostedModel;
}

async function fileOf(role: ModelRole, options: PrepareAdviceOptions): Promise<ModelFile> {
  const name = options[role] ?? parsePair(options.pair ?? DEFAULT_PAIR.name)[role];
  const { path } = await ensureModel(name, options);
  const { weightBytes, parameterCounts, kvBytesPerToken } = await readModelFile(path);
  return { path, model: { name: shortName(name), weightBytes, parameterCounts, kvBytesPerToken } };
}

/** This machine's costs of both models, measured quickly where they are not known. */
async function ownProfile(
  files: Readonly<Record<ModelRole, ModelFile>>,
  options: PrepareAdviceOptions,
): Promise<MachineProfile> {
  const machine = thisMachine();
  const name = localProfileName(machine, options.threadCount);
  let profile = await profileStore(options).remembered(name, machine);
  for (const role of ROLES) {
    const { path, model } = files[role];
    const isKnown = profile.models.some(
      (known) => known.model === model.name && known.weightBytes === model.weightBytes,
    );
    if (!isKnown) profile = withModel(profile, await measureQuickly(path, model.name, options));
  }
  return profile.models.length === 0 ? emptyProfile(name, machine) : profile;
}

async function measureQuickly(
  path: string,
  name: string,
  options: PrepareAdviceOptions,
): ReturnType<typeof localModelCosts> {
  const { threadCount, signal, onProgress } = options;
  await using model = await loadModel(path, {
    name,
    ...(threadCount === undefined ? {} : { threadCount }),
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  await useBestThreads(model, options);
  return await localModelCosts(model, options);
}

async function tryOut(options: PrepareAdviceOptions): Promise<Behaviour> {
  await using engine = await openEngine({ ...options, strategies: MEASURED_STRATEGIES });
  return await measureBehaviour(engine, options);
}
