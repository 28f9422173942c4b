/**
 * Gathers the inputs of advice: facts of the models' files, the machine's profile, the behaviour of the
 * strategies. It measures nothing that is known or given.
 */
import { bundledModel } from '../../catalog/bundled-models.ts';
import { parseModelReference } from '../../catalog/model-reference.ts';
import { PilotfishError } from '../../core/errors.ts';
import type { ModelRole } from '../../core/model-id.ts';
import { pocketProblem } from '../../evaluation/tasks/pocket/problem.ts';
import {
  isOf,
  type MachineProfile,
  type MeasuredModel,
  type MeasuredProfile,
  withModel,
} from '../../machines/machine-profile.ts';
import { checkKnowsName, profileCosts } from '../../machines/profile-costs.ts';
import { loadModel } from '../../model/llama-cpp/model.ts';
import type { ServerOptions } from '../elsewhere/reach-server.ts';
import {
  localModelCosts,
  localProfileName,
  profileStore,
  shortName,
  thisMachine,
  useBestThreads,
} from '../machine/local-profile.ts';
import { openEngine } from '../open-engine.ts';
import type { PairOptions } from '../pair-options.ts';
import type { AdviceAssumptions, AdviceInputs } from './advice-report.ts';
import {
  type AcceptanceStatistics,
  MEASURED_STRATEGIES,
  measureAcceptance,
  PROMPTS,
} from './measure-acceptance.ts';
import { type AdvisedFile, modelFileOf, nameOf } from './model-file-of.ts';

export interface PrepareAdviceOptions
  extends Omit<PairOptions, 'contextLength' | 'judge' | 'reward'>,
    AdviceAssumptions {
  /** A profile's name or file; default: this machine's own. */
  readonly profile?: string | undefined;
  /** The machine that a remote large model runs on; default: the same. */
  readonly remoteProfile?: string | undefined;
  /** Milliseconds to the remote large model and back; default: the round trip of a profile. */
  readonly roundTripMs?: number | undefined;
  /** Of a large model on a server, which `large` gives the address of (docs/SERVERS.md). */
  readonly server?: ServerOptions | undefined;
  /** Whether other programs occupy all processors. Default: the load that the system reports. */
  readonly isBusy?: (() => boolean) | undefined;
}

/** The pocket models read only such problems, and answer this many in a few seconds. */
const POCKET_PROMPT_COUNT = 12;
const POCKET_PROMPTS: readonly string[] = Array.from(
  { length: POCKET_PROMPT_COUNT },
  (_, index) => pocketProblem({ split: 'test', seed: 0 }, index).question,
);

const ROLES: readonly ModelRole[] = ['small', 'large'];

/**
 * Refuses what it can before a model is pulled, loaded or tried out.
 * @throws PilotfishError `profile-unknown`, `profile-invalid`, `profile-incomplete`,
 *   `option-invalid`, and as `ensureModel`, `loadModel` and `Engine.generate`
 */
export async function prepareAdvice(options: PrepareAdviceOptions): Promise<AdviceInputs> {
  const profiles = await findProfiles(options);
  const names = { small: nameOf('small', options), large: nameOf('large', options) };
  checkNames(profiles, names);
  const files = {
    small: await modelFileOf(names.small, options),
    large: await modelFileOf(names.large, options),
  };
  checkFiles(profiles, files);
  const profile = profiles.given ?? (await ownProfile(files, profiles.own, options));
  return {
    models: { small: files.small.model, large: files.large.model },
    profile,
    remoteProfile: profiles.remote ?? profile,
    roundTripMs: profiles.roundTripMs,
    statistics: needsTrial(options) ? await triedOut(profiles, options) : null,
  };
}

interface Profiles {
  /** Null if the user named none. */
  readonly given: MachineProfile | null;
  readonly remote: MachineProfile | null;
  /** The remembered profile of this machine. */
  readonly own: MeasuredProfile;
  readonly roundTripMs: number | null;
}

async function findProfiles(options: PrepareAdviceOptions): Promise<Profiles> {
  const store = profileStore(options);
  const given = options.profile === undefined ? null : await store.find(options.profile);
  const remote =
    options.remoteProfile === undefined ? null : await store.find(options.remoteProfile);
  const machine = thisMachine();
  const own = await store.remembered(localProfileName(machine, options.threadCount), machine);
  const roundTripMs =
    options.roundTripMs ?? remote?.roundTripMs ?? given?.roundTripMs ?? own.roundTripMs;
  if (remote !== null && roundTripMs === null) throw noRoundTrip(remote);
  return { given, remote, own, roundTripMs };
}

function noRoundTrip({ name }: MachineProfile): PilotfishError {
  return new PilotfishError(
    'option-invalid',
    `The round trip to ${name} is unknown: neither an option nor a profile gives it.`,
    {
      remedy: 'Give --round-trip with the milliseconds of the network, 0 for none.',
      fields: { option: '--remote-profile', value: name },
    },
  );
}

/** Checks both names before a model is pulled: that they can be models, and that the profiles know them. */
function checkNames({ given, remote }: Profiles, names: Readonly<Record<ModelRole, string>>): void {
  for (const role of ROLES) {
    const [name, reference] = [shortName(names[role]), names[role]];
    parseModelReference(reference);
    if (given !== null) checkKnowsName(given, { name, reference });
    if (remote !== null && role === 'large') checkKnowsName(remote, { name, reference });
  }
}

/** Checks that the profiles know the very files. */
function checkFiles({ given, remote }: Profiles, { small, large }: Files): void {
  for (const { model } of [small, large]) if (given !== null) profileCosts(given, model);
  if (remote !== null) profileCosts(remote, large.model);
}

type Files = Readonly<Record<ModelRole, AdvisedFile>>;

/** This machine's costs of both models. Unknown costs are measured quickly. */
async function ownProfile(
  files: Files,
  remembered: MeasuredProfile,
  options: PrepareAdviceOptions,
): Promise<MachineProfile> {
  let profile = remembered;
  for (const role of ROLES) {
    const { path, model } = files[role];
    const isKnown = profile.models.some((known) => isOf(known, model));
    if (!isKnown) profile = withModel(profile, await measureQuickly(path, model.name, options));
  }
  return profile;
}

async function measureQuickly(
  path: string,
  name: string,
  options: PrepareAdviceOptions,
): Promise<MeasuredModel> {
  const { threadCount, signal, onProgress, onNotice } = options;
  await using model = await loadModel(path, { name, threadCount, signal, onProgress });
  await useBestThreads(model, options);
  const { costs, isQuiet } = await localModelCosts(model, options);
  if (!isQuiet) onNotice?.(notQuiet(name));
  return costs;
}

export function notQuiet(name: string): string {
  return (
    `The machine had other work while costs of ${name} were measured: times below may be wrong, ` +
    'and are not kept. Ask again when it is quiet, or run "pilotfish bench steps".'
  );
}

/** Whether the user leaves the statistics of strategies open. */
function needsTrial({ share, acceptance }: AdviceAssumptions): boolean {
  return share === undefined || acceptance === undefined;
}

/** Leaves out the engine's overhead on this machine if the profile is of another one. */
async function triedOut(
  { given }: Profiles,
  options: PrepareAdviceOptions,
): Promise<AcceptanceStatistics> {
  const statistics = await tryOut(options);
  return given === null ? statistics : { ...statistics, overheadMs: null };
}

async function tryOut(options: PrepareAdviceOptions): Promise<AcceptanceStatistics> {
  await using engine = await openEngine({ ...options, strategies: MEASURED_STRATEGIES });
  return await measureAcceptance(engine, { ...options, prompts: promptsFor(options) });
}

/** Prompts that the models can read. */
export function promptsFor(options: PrepareAdviceOptions): readonly string[] {
  const names = ROLES.map((role) => nameOf(role, options));
  return names.every((name) => bundledModel(name) !== null) ? POCKET_PROMPTS : PROMPTS;
}
