/** Recorded runs under another machine's profile: the work behind `pilotfish bench recost`. */

import { parseRunLog, type RecordedRun } from '../accounting/run-log.ts';
import { knownModel } from '../catalog/known-models.ts';
import { PilotfishError } from '../core/errors.ts';
import type { ByRole, ModelRole } from '../core/events.ts';
import type { ForwardCosts } from '../machines/forward-costs.ts';
import type { MachineProfile } from '../machines/machine-profile.ts';
import { type PredictedRun, predictRun } from '../machines/predict-run.ts';
import { profileCosts } from '../machines/profile-costs.ts';
import { STRATEGIES } from '../strategy/registry.ts';
import { profileStore } from './local-profile.ts';

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
  /** True if a prediction leaves out what reading the cache takes, because a log does not tell. */
  readonly isWithoutCache: boolean;
}

/** @throws PilotfishError `log-invalid`, `profile-unknown`, `profile-invalid`, `profile-incomplete` */
export async function recost(options: RecostOptions): Promise<Recosted> {
  const { runs, isCut } = parseRunLog(options.log);
  const profile = await profileStore(options).find(options.profile);
  const roundTripMs = options.roundTripMs ?? profile.roundTripMs ?? 0;
  const recosted: RecostedRun[] = [];
  for (const run of runs) recosted.push(recostRun(run, profile, roundTripMs));
  const isWithoutCache =
    profile.kind === 'predicted' && runs.some(({ start }) => start.kvBytesPerToken === undefined);
  return { profile, runs: recosted, isCut, roundTripMs, isWithoutCache };
}

function recostRun(run: RecordedRun, profile: MachineProfile, roundTripMs: number): RecostedRun {
  const { strategy } = run.start;
  const known = STRATEGIES.find(({ name }) => name === strategy);
  const readsUncertainty =
    known?.costModels.some((model) => model.readsUncertainty === true) ?? false;
  const costs = costsOf(run, profile);
  return {
    name: run.name,
    strategy,
    tokenCount: run.events.filter((event) => event.type === 'token').length,
    recordedMs: run.summary?.elapsedMs ?? null,
    ...predictRun(run, costs, { roundTripMs, readsUncertainty }),
  };
}

function costsOf(run: RecordedRun, profile: MachineProfile): ByRole<ForwardCosts> {
  const ofRole = (role: ModelRole): ForwardCosts | null => {
    const { models, weightBytes, parameterCounts, kvBytesPerToken } = run.start;
    const [name, bytes, counts] = [models[role], weightBytes[role], parameterCounts[role]];
    const isUsed = run.events.some((event) => event.type === 'work' && event.model === role);
    if (name === null || bytes === null || counts === null) return null;
    try {
      return profileCosts(profile, {
        name,
        reference: referenceOf(name),
        weightBytes: bytes,
        parameterCounts: counts,
        kvBytesPerToken: kvBytesPerToken?.[role] ?? 0,
      });
    } catch (error) {
      // A model that is only compared with may be unknown to the profile.
      if (isUsed || !PilotfishError.isInstance(error)) throw error;
      return null;
    }
  };
  return { small: ofRole('small'), large: ofRole('large') };
}

/** What `--model` takes. A log has no paths: of a file it knows only what it was called. */
function referenceOf(name: string): string {
  return knownModel(name) === null ? `PATH/${name}.gguf` : name;
}
