/** Recorded runs under another machine's profile: the work behind `pilotfish bench recost`. */
import { catalogContext } from './catalog/catalog-context.ts';
import { findModel } from './catalog/ensure-model.ts';
import { PilotfishError } from './core/errors.ts';
import type { ByRole, ModelRole } from './core/events.ts';
import type { ForwardCosts } from './cost/forward-costs.ts';
import type { MachineProfile } from './cost/machine-profile.ts';
import { type PredictedRun, predictRun } from './cost/predict-run.ts';
import { profileCosts } from './cost/profile-costs.ts';
import { parseRunLog, type RecordedRun } from './cost/run-log.ts';
import { profileStore } from './local-profile.ts';
import { readModelFile } from './model/llama-cpp/model-file.ts';
import { STRATEGIES } from './strategy/registry.ts';

export interface RecostOptions {
  /** Lines as `ask --json` writes them. */
  readonly log: string;
  readonly profile: string;
  /** Instead of the profile's own. */
  readonly roundTripMs?: number;
  readonly home?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

export interface RecostedRun extends PredictedRun {
  readonly name: string | null;
  readonly strategy: string;
  readonly tokenCount: number;
  /** Null where the log ends before the run did. */
  readonly recordedMs: number | null;
}

export interface Recosted {
  readonly profile: MachineProfile;
  readonly runs: readonly RecostedRun[];
  /** True if the log ends within a line. */
  readonly isCut: boolean;
  readonly roundTripMs: number;
}

/** @throws PilotfishError `log-invalid`, `profile-unknown`, `profile-invalid`, `profile-incomplete` */
export async function recost(options: RecostOptions): Promise<Recosted> {
  const { runs, isCut } = parseRunLog(options.log);
  const profile = await profileStore(options).find(options.profile);
  const roundTripMs = options.roundTripMs ?? profile.roundTripMs ?? 0;
  const recosted: RecostedRun[] = [];
  for (const run of runs) recosted.push(await recostRun(run, profile, roundTripMs, options));
  return { profile, runs: recosted, isCut, roundTripMs };
}

async function recostRun(
  run: RecordedRun,
  profile: MachineProfile,
  roundTripMs: number,
  options: RecostOptions,
): Promise<RecostedRun> {
  const { strategy } = run.start;
  const known = STRATEGIES.find(({ name }) => name === strategy);
  const readsUncertainty =
    known?.costModels.some((model) => model.readsUncertainty === true) ?? false;
  const costs = await costsOf(run, profile, options);
  return {
    name: run.name,
    strategy,
    tokenCount: run.events.filter((event) => event.type === 'token').length,
    recordedMs: run.summary?.elapsedMs ?? null,
    ...predictRun(run, costs, { roundTripMs, readsUncertainty }),
  };
}

async function costsOf(
  run: RecordedRun,
  profile: MachineProfile,
  options: RecostOptions,
): Promise<ByRole<ForwardCosts>> {
  const ofRole = async (role: ModelRole): Promise<ForwardCosts | null> => {
    const { models, weightBytes, parameterCounts } = run.start;
    const [name, bytes, counts] = [models[role], weightBytes[role], parameterCounts[role]];
    const isUsed = run.events.some((event) => event.type === 'work' && event.model === role);
    if (name === null || bytes === null || counts === null) return null;
    const kvBytesPerToken = profile.kind === 'predicted' ? await kvBytesOf(name, options) : 0;
    try {
      const model = { name, weightBytes: bytes, parameterCounts: counts, kvBytesPerToken };
      return profileCosts(profile, model);
    } catch (error) {
      // A model that is only compared with may be unknown to the profile.
      if (isUsed || !PilotfishError.isInstance(error)) throw error;
      return null;
    }
  };
  return { small: await ofRole('small'), large: await ofRole('large') };
}

/** A log does not tell; a model that is on this machine does. */
async function kvBytesOf(name: string, options: RecostOptions): Promise<number> {
  try {
    const found = await findModel(name, { ...options, home: catalogContext(options).home });
    return found === null ? 0 : (await readModelFile(found.path)).kvBytesPerToken;
  } catch (error) {
    if (!PilotfishError.isInstance(error)) throw error;
    return 0;
  }
}
