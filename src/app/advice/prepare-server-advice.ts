/** The inputs of advice on a large model that runs on a server, which is measured. */
import { parseModelReference } from '../../catalog/model-reference.ts';
import { PilotfishError } from '../../core/errors.ts';
import {
  emptyProfile,
  type MachineProfile,
  type MeasuredProfile,
  withModel,
} from '../../machines/machine-profile.ts';
import { type CostedModel, checkKnowsName, profileCosts } from '../../machines/profile-costs.ts';
import {
  type ServedCosts,
  STEADY_SPREAD_MAX,
  servedCosts,
  servedModel,
} from '../../machines/served-costs.ts';
import { type LlamaCppModel, loadModel } from '../../model/llama-cpp/model.ts';
import { METHODS } from '../../strategy/methods.ts';
import { keepServerCosts } from '../elsewhere/kept-server-costs.ts';
import { type ReachedServer, reachServer } from '../elsewhere/reach-server.ts';
import { worksElsewhere } from '../elsewhere/reached-model.ts';
import {
  localModelCosts,
  localProfileName,
  profileStore,
  shortName,
  thisMachine,
  useBestThreads,
} from '../machine/local-profile.ts';
import { openEngine } from '../open-engine.ts';
import type { AdviceInputs, AdvisedServer } from './advice-report.ts';
import {
  type AcceptanceStatistics,
  ALWAYS_CALLS,
  MEASURED_STRATEGIES,
  measureAcceptance,
} from './measure-acceptance.ts';
import { measureServer } from './measure-server.ts';
import { modelFileOf, nameOf } from './model-file-of.ts';
import { notQuiet, type PrepareAdviceOptions, promptsFor } from './prepare-advice.ts';

/** A slow server takes long for each strategy; those that are not tried in this time are left out. */
const TRIAL_BUDGET_MS = 90_000;

/**
 * Measures the server and, unless a profile is given, the small model on this machine.
 * @throws PilotfishError `option-invalid`, and as `prepareAdvice` and `reachServer`
 */
export async function prepareServerAdvice(options: PrepareAdviceOptions): Promise<AdviceInputs> {
  checkMeasuredThere(options);
  const large = nameOf('large', options);
  const reference = nameOf('small', options);
  parseModelReference(reference);
  const given =
    options.profile === undefined ? null : await profileStore(options).find(options.profile);
  if (given !== null) checkKnowsName(given, { name: shortName(reference), reference });
  // Reached first, so that a wrong address or key costs no load.
  const reached = await reachServer(large, options.server, options);
  const pair = { reached, given, reference };
  const measured = await measuredPair(pair, options).finally(() => reached.close());
  const { model, profile, server } = measured;
  const { roundTripMs } = server.costs;
  return {
    models: { small: model, large: { ...reached.facts, reference: large } },
    ...{ profile, remoteProfile: serverProfile(reached, server.costs), roundTripMs, server },
    statistics: await triedOut(server, options),
  };
}

/** @throws PilotfishError `option-invalid` */
function checkMeasuredThere({ roundTripMs, remoteProfile }: PrepareAdviceOptions): void {
  if (roundTripMs === undefined && remoteProfile === undefined) return;
  const option = roundTripMs === undefined ? '--remote-profile' : '--round-trip';
  const message = `${option} is given, and the large model is on a server, which is measured.`;
  throw new PilotfishError('option-invalid', message, {
    remedy: `Leave out ${option}.`,
    fields: { option, value: roundTripMs ?? remoteProfile ?? null },
  });
}

interface Pair {
  readonly reached: ReachedServer;
  readonly given: MachineProfile | null;
  /** Of the small model. */
  readonly reference: string;
}

interface MeasuredPair {
  readonly model: CostedModel;
  readonly profile: MachineProfile;
  readonly server: AdvisedServer;
}

/** One after the other, because the server may run on this machine. */
async function measuredPair(
  { reached, given, reference }: Pair,
  options: PrepareAdviceOptions,
): Promise<MeasuredPair> {
  const { path, model } = await modelFileOf(reference, options);
  if (given !== null) profileCosts(given, model);
  const { threadCount, signal, onProgress } = options;
  await using small = await loadModel(path, { name: model.name, threadCount, signal, onProgress });
  const profile = given ?? (await ownProfile(small, options));
  const remote = await reached.open(small.vocabulary);
  const times = await measureServer(remote, options);
  if (times.spread > STEADY_SPREAD_MAX) options.onNotice?.(UNSTEADY);
  const { capabilities } = remote;
  const { kind: engine, host, servedName, version } = reached.server;
  const works = METHODS.filter((method) =>
    worksElsewhere(method, {}, { ...reached, capabilities }),
  );
  const costs = servedCosts(times);
  await keepServerCosts(reached.facts, costs, options);
  const names = works.map(({ name }) => name);
  const server = { engine, host, model: servedName, version, times, costs, works: names };
  return { model, profile, server };
}

const UNSTEADY =
  'Equal calls took very different times: the server, the network or this machine had other work, and ' +
  'what follows may be wrong. Ask again when they are quiet.';

/** This machine's costs of the small model. */
async function ownProfile(
  small: LlamaCppModel,
  options: PrepareAdviceOptions,
): Promise<MeasuredProfile> {
  await useBestThreads(small, options);
  const { costs, isQuiet } = await localModelCosts(small, options);
  if (!isQuiet) options.onNotice?.(notQuiet(small.facts.name));
  const machine = thisMachine();
  const name = localProfileName(machine, options.threadCount);
  return withModel(await profileStore(options).remembered(name, machine), costs);
}

/** The server as a machine that the large model runs on. */
function serverProfile({ facts, server }: ReachedServer, costs: ServedCosts): MeasuredProfile {
  const { kind, host, version } = server;
  const machine = { processor: kind, processorCount: 1, library: version ?? 'unknown' };
  const profile = {
    ...emptyProfile(`${kind} at ${host}`, machine),
    roundTripMs: costs.roundTripMs,
  };
  return withModel(profile, servedModel(facts, costs));
}

/** Only what is not given, and on one prompt alone. */
async function triedOut(
  { works }: AdvisedServer,
  options: PrepareAdviceOptions,
): Promise<AcceptanceStatistics | null> {
  const { share, acceptance } = options;
  const wanted = MEASURED_STRATEGIES.filter((value) =>
    value === ALWAYS_CALLS ? acceptance === undefined : share === undefined,
  );
  const strategies = wanted.filter(({ method }) => works.includes(method.name));
  if (strategies.length === 0) return null;
  await using engine = await openEngine({ ...options, strategies });
  const prompts = promptsFor(options).slice(0, 1);
  const tried = await measureAcceptance(engine, {
    ...{ ...options, prompts, strategies, budgetMs: TRIAL_BUDGET_MS },
  });
  const { shares } = tried;
  const late = strategies.filter((one) => one !== ALWAYS_CALLS && !(one.method.name in shares));
  if (late.length > 0) options.onNotice?.(leftOut(late.map(({ method }) => method.name)));
  // Its waits are those for the server.
  return { ...tried, overheadMs: null };
}

function leftOut(names: readonly string[]): string {
  return (
    `The server is slow, and these were not tried out, so they are left out: ${names.join(', ')}. ` +
    'Give --share to have them all.'
  );
}
