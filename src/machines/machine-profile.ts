/**
 * A profile: a named machine and what forwards cost on it. Measured profiles hold curves per model;
 * predicted ones hold a machine's data-sheet figures, from which the costs of any model follow.
 * Kept as one JSON file each (profile-format.ts), so that one can be carried to another machine.
 */
import type { RowReading } from './forward-costs.ts';

export interface Machine {
  readonly processor: string;
  readonly processorCount: number;
  /** The version of the native library's package. */
  readonly library: string;
}

export interface CurvePoint {
  readonly rowCount: number;
  readonly ms: number;
}

/** What forwards of one model cost. Points are in order of rising row counts. */
export interface MeasuredModel {
  readonly model: string;
  /** Bytes of weights that a forward reads: a file of the same name may be another one. */
  readonly weightBytes: number;
  readonly threadCount: number;
  /** ISO 8601. */
  readonly measuredAt: string;
  /** A second or two while a model was opened, in fewer points; `bench steps` measures more. */
  readonly isQuick: boolean;
  /**
   * How far forwards of one shape lay apart: the median of (median - minimum) / minimum over the
   * shapes that were measured more than once.
   */
  readonly spread: number;
  /** Tokens in the cache while the curves were measured. */
  readonly cachedTokenCount: number;
  /** Forwards all of whose rows have outputs. */
  readonly decode: readonly CurvePoint[];
  /** Forwards without outputs: prefill, catch-up. Empty if that was not measured. */
  readonly prefill: readonly CurvePoint[];
  /** What every further token in the cache adds to a forward of so many rows. */
  readonly attention: readonly { readonly rowCount: number; readonly msPerCachedToken: number }[];
  /** What this program adds around every forward. */
  readonly overheadMs: number;
  /** Milliseconds more per output row, for each thing that is read beside the best token. */
  readonly readingMs: Readonly<Record<RowReading, number>>;
}

/** Which number of threads decodes a model fastest. */
export interface MeasuredThreads {
  readonly model: string;
  readonly weightBytes: number;
  /** The number that was chosen. */
  readonly threadCount: number;
  /** Of forwards of one row. */
  readonly measured: readonly { readonly threadCount: number; readonly ms: number }[];
}

interface ProfileHead {
  readonly format: 'pilotfish-profile';
  readonly version: 1;
  readonly name: string;
  /** If the large model of this profile is asked over a network; null if it is local. */
  readonly roundTripMs: number | null;
}

export interface MeasuredProfile extends ProfileHead {
  readonly kind: 'measured';
  readonly machine: Machine;
  readonly models: readonly MeasuredModel[];
  readonly threads: readonly MeasuredThreads[];
}

export interface PredictedProfile extends ProfileHead {
  readonly kind: 'predicted';
  readonly title: string;
  /** Where each figure comes from. */
  readonly source: string;
  readonly roofline: {
    /** Of the memory that holds weights and cache. */
    readonly bytesPerSecond: number;
    /** Dense, in the precision that computes: half precision on GPUs with tensor cores. */
    readonly flopsPerSecond: number;
    /** Share of both that real forwards reach, above 0, at most 1. */
    readonly efficiency: number;
    /** Per forward, whatever its size. */
    readonly launchMs: number;
  };
}

export type MachineProfile = MeasuredProfile | PredictedProfile;

/** A profile without measurements yet. */
export function emptyProfile(name: string, machine: Machine): MeasuredProfile {
  return {
    format: 'pilotfish-profile',
    version: 1,
    name,
    kind: 'measured',
    machine,
    roundTripMs: null,
    models: [],
    threads: [],
  };
}

/** What tells models apart: two files may have one name. */
export interface ModelIdentity {
  readonly name: string;
  readonly weightBytes: number;
}

/** Whether something was measured of this very model. */
export function isOf(
  measured: MeasuredModel | MeasuredThreads,
  { name, weightBytes }: ModelIdentity,
): boolean {
  return measured.model === name && measured.weightBytes === weightBytes;
}

/** With the model's measurement in place of an older one of the same model. */
export function withModel(profile: MeasuredProfile, measured: MeasuredModel): MeasuredProfile {
  return { ...profile, models: [...others(profile.models, measured), measured] };
}

export function withThreads(profile: MeasuredProfile, measured: MeasuredThreads): MeasuredProfile {
  return { ...profile, threads: [...others(profile.threads, measured), measured] };
}

function others<T extends MeasuredModel | MeasuredThreads>(all: readonly T[], measured: T): T[] {
  const { model: name, weightBytes } = measured;
  return all.filter((other) => !isOf(other, { name, weightBytes }));
}
