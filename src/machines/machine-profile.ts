/**
 * A profile: a named machine and the costs of forwards on it. A measured profile holds curves per
 * model. A predicted profile holds the data-sheet figures of a machine, from which the costs of any
 * model follow. Each is kept as one JSON file (profile-format.ts), so that a user can copy it to
 * another machine.
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

/** The measured costs of one model's forwards. Points are in order of rising row counts. */
export interface MeasuredModel {
  readonly model: string;
  /** Bytes of weights that a forward reads. They tell apart different files of the same name. */
  readonly weightBytes: number;
  readonly threadCount: number;
  /** As an ISO 8601 date. */
  readonly measuredAt: string;
  /**
   * Whether it was measured in a second or two while a model was opened, with fewer points than
   * `bench steps` measures.
   */
  readonly isQuick: boolean;
  /**
   * The variation of forwards of one shape: the median of (median - minimum) / minimum over the
   * shapes that were measured more than once.
   */
  readonly spread: number;
  /** The tokens in the cache while the curves were measured. */
  readonly cachedTokenCount: number;
  /** Forwards whose rows all have outputs. */
  readonly decode: readonly CurvePoint[];
  /** Forwards without outputs: prefill, catch-up. Empty if they were not measured. */
  readonly prefill: readonly CurvePoint[];
  /** The time that every further token in the cache adds to a forward, by row count. */
  readonly attention: readonly { readonly rowCount: number; readonly msPerCachedToken: number }[];
  /** The overhead of this program around every forward. */
  readonly overheadMs: number;
  /** Additional milliseconds per output row for each value that is read beside the best token. */
  readonly readingMs: Readonly<Record<RowReading, number>>;
}

/** The number of threads that decodes a model fastest. */
export interface MeasuredThreads {
  readonly model: string;
  readonly weightBytes: number;
  /** The chosen number of threads. */
  readonly threadCount: number;
  /** Times of forwards of one row. */
  readonly measured: readonly { readonly threadCount: number; readonly ms: number }[];
}

interface ProfileHead {
  readonly format: 'pilotfish-profile';
  readonly version: 1;
  readonly name: string;
  /** The round trip if the large model of this profile is behind a network; null if it is local. */
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
  /** The source of each figure. */
  readonly source: string;
  readonly roofline: {
    /** The bandwidth of the memory that holds weights and cache. */
    readonly bytesPerSecond: number;
    /** The dense peak in the precision that computes: half precision on GPUs with tensor cores. */
    readonly flopsPerSecond: number;
    /** The share of both figures that real forwards reach, above 0, at most 1. */
    readonly efficiency: number;
    /** The fixed time per forward of any size. */
    readonly launchMs: number;
  };
}

export type MachineProfile = MeasuredProfile | PredictedProfile;

/** A profile without measurements. */
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

/** The facts that tell models apart, because two files may have the same name. */
export interface ModelIdentity {
  readonly name: string;
  readonly weightBytes: number;
}

/** Whether a measurement is of this very model. */
export function isOf(
  measured: MeasuredModel | MeasuredThreads,
  { name, weightBytes }: ModelIdentity,
): boolean {
  return measured.model === name && measured.weightBytes === weightBytes;
}

/** The profile with a measurement in place of an older one of the same model. */
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
