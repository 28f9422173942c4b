/** Recorded runs under another machine's profile: the work behind `pilotfish bench recost`. */

import { parseRunLog, type RecordedRun } from '../accounting/run-log.ts';
import type { EnsureModelOptions } from '../catalog/catalog-context.ts';
import { knownModel } from '../catalog/known-models.ts';
import { PilotfishError } from '../core/errors.ts';
import type { ModelId, ModelLabels } from '../core/model-id.ts';
import type { ForwardCosts } from '../machines/forward-costs.ts';
import type { MachineProfile } from '../machines/machine-profile.ts';
import { type CostsById, type PredictedRun, predictRun } from '../machines/predict-run.ts';
import { profileCosts } from '../machines/profile-costs.ts';
import { readsLogits } from '../strategy/method.ts';
import { methodNamed } from '../strategy/strategy-value.ts';
import { profileStore } from './machine/local-profile.ts';

export interface RecostOptions extends Pick<EnsureModelOptions, 'home' | 'env'> {
  /** The lines that `ask --json` writes. */
  readonly log: string;
  readonly profile: string;
  /** Default: the round trip of the profile. */
  readonly roundTripMs?: number | undefined;
}

export interface RecostedRun extends PredictedRun {
  readonly name: string | null;
  readonly strategy: string;
  /** The parts that the run's models play. */
  readonly labels: ModelLabels;
  readonly tokenCount: number;
  /** Null if the log ends before the run. */
  readonly recordedMs: number | null;
}

export interface Recosted {
  readonly profile: MachineProfile;
  readonly runs: readonly RecostedRun[];
  /** True if the last line was cut off. */
  readonly isCut: boolean;
  readonly roundTripMs: number;
  /** True if a prediction leaves out the reading of the cache: an early log does not give its size. */
  readonly isWithoutCache: boolean;
}

/**
 * Says what recorded runs would take on another machine.
 * @throws PilotfishError `log-invalid`, `profile-unknown`, `profile-invalid`, `profile-incomplete`
 */
export async function recost(options: RecostOptions): Promise<Recosted> {
  const { runs, isCut } = parseRunLog(options.log);
  const profile = await profileStore(options).find(options.profile);
  const roundTripMs = options.roundTripMs ?? profile.roundTripMs ?? 0;
  const recosted: RecostedRun[] = [];
  for (const run of runs) recosted.push(recostRun(run, profile, roundTripMs));
  const isWithoutCache =
    profile.kind === 'predicted' &&
    runs.some(({ start }) =>
      Object.values(start.models).some(({ kvBytesPerToken }) => kvBytesPerToken === null),
    );
  return { profile, runs: recosted, isCut, roundTripMs, isWithoutCache };
}

function recostRun(run: RecordedRun, profile: MachineProfile, roundTripMs: number): RecostedRun {
  const { strategy, labels } = run.start;
  const method = methodNamed(strategy);
  const costs = costsOf(run, profile);
  return {
    name: run.name,
    strategy,
    labels,
    tokenCount: run.events.filter((event) => event.type === 'token').length,
    recordedMs: run.summary?.elapsedMs ?? null,
    ...predictRun(run, costs, {
      roundTripMs,
      readsLogits: method !== null && readsLogits(method),
    }),
  };
}

function costsOf(run: RecordedRun, profile: MachineProfile): CostsById {
  const found = new Map<ModelId, ForwardCosts>();
  for (const [id, { name, kvBytesPerToken, ...sizes }] of Object.entries(run.start.models)) {
    const model = { ...sizes, name, kvBytesPerToken: kvBytesPerToken ?? 0 };
    try {
      found.set(id, profileCosts(profile, { ...model, reference: referenceOf(name) }));
    } catch (error) {
      // A model that is only compared with may be unknown to the profile.
      const isUsed = run.events.some((event) => event.type === 'work' && event.model === id);
      if (isUsed || !PilotfishError.isInstance(error)) throw error;
    }
  }
  return found;
}

/** The reference that `--model` takes. A log has no paths: it knows a file only by its name. */
function referenceOf(name: string): string {
  return knownModel(name) === null ? `PATH/${name}.gguf` : name;
}
