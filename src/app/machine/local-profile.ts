/**
 * The speed of this machine: the number of threads that decodes a model fastest, and what its forwards
 * cost. Both are measured at first use and kept in the machine's own profile.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { catalogContext, type EnsureModelOptions } from '../../catalog/catalog-context.ts';
import type { Clock } from '../../core/clock.ts';
import type { Progressing } from '../../core/progress.ts';
import {
  isOf,
  type Machine,
  type MeasuredModel,
  withModel,
  withThreads,
} from '../../machines/machine-profile.ts';
import { measureModel, QUICK_PLAN, QUIET_SPREAD_MAX } from '../../machines/measure-model.ts';
import { type TunableModel, tuneThreads } from '../../machines/measure-threads.ts';
import { ProfileStore } from '../../machines/profile-store.ts';
import { LIBRARY_PACKAGE_VERSION } from '../../model/llama-cpp/known-builds.ts';

export function profileStore(
  options: Pick<EnsureModelOptions, 'home' | 'env' | 'onNotice'>,
): ProfileStore {
  return new ProfileStore(join(catalogContext(options).home, 'profiles'), options.onNotice);
}

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    processorCount: availableParallelism(),
    library: LIBRARY_PACKAGE_VERSION,
  };
}

/** For example `amd-epyc-2cpu`, or `amd-epyc-2cpu-1t` if the user set the number of threads. */
export function localProfileName(
  { processor, processorCount }: Machine,
  threadCount?: number,
): string {
  const slug = processor.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const words = slug.replaceAll(/^-+|-+$/g, '').slice(0, 60) || 'machine';
  const threads = threadCount === undefined ? '' : `-${threadCount}t`;
  return `${words}-${processorCount}cpu${threads}`;
}

/** A model's name in all output: a known name, or the file name of a path or hub reference. */
export function shortName(reference: string): string {
  return reference.endsWith('.gguf') ? basename(reference, '.gguf') : reference;
}

/**
 * Whether other programs occupy all processors, so that a measurement holds only for the moment. Steady
 * work of others slows all forwards alike, and their spread does not show it. Windows always reports 0.
 */
export function isBusy(
  [lastMinute = 0]: readonly number[] = loadavg(),
  processorCount: number = availableParallelism(),
): boolean {
  return lastMinute >= processorCount;
}

export interface LocalProfileOptions extends Progressing, Pick<EnsureModelOptions, 'home' | 'env'> {
  /** The number of threads that the user set; none is chosen then. */
  readonly threadCount?: number | undefined;
  /** Default: this one. */
  readonly machine?: Machine | undefined;
  /** The clock that times forwards. */
  readonly clock?: Clock | undefined;
  /** Whether other programs occupy all processors. Default: the load that the system reports. */
  readonly isBusy?: (() => boolean) | undefined;
}

/** Gives the model the number of threads that decodes it fastest here. */
export async function useBestThreads(
  model: TunableModel,
  options: LocalProfileOptions,
): Promise<void> {
  if (options.threadCount !== undefined) return;
  const machine = options.machine ?? thisMachine();
  if (machine.processorCount === 1) return;
  const store = profileStore(options);
  const name = localProfileName(machine);
  const { threads } = await store.remembered(name, machine);
  const known = threads.find((other) => isOf(other, model.facts));
  if (known !== undefined) return model.setThreadCount(known.threadCount);
  const { isQuiet, ...measured } = await tuneThreads(model, machine.processorCount, options);
  // A choice from a busy moment holds for now, and is measured again next time.
  if (isQuiet && !(options.isBusy ?? isBusy)()) {
    await store.remember(name, machine, (profile) => withThreads(profile, measured));
  }
}

export interface LocalCosts {
  readonly costs: MeasuredModel;
  /** False if other work disturbed the measurement: the costs serve for now and are not kept. */
  readonly isQuiet: boolean;
}

/** The model's costs with its current number of threads: remembered, or else measured quickly. */
export async function localModelCosts(
  model: TunableModel,
  options: LocalProfileOptions,
): Promise<LocalCosts> {
  const machine = options.machine ?? thisMachine();
  const store = profileStore(options);
  const name = localProfileName(machine, options.threadCount);
  const { models } = await store.remembered(name, machine);
  const own = models.filter((other) => isOf(other, model.facts));
  const known = own.find(({ threadCount }) => threadCount === model.threadCount);
  if (known !== undefined) return { costs: known, isQuiet: true };
  const costs = await measureModel(model, QUICK_PLAN, options);
  const isQuiet = costs.spread <= QUIET_SPREAD_MAX && !(options.isBusy ?? isBusy)();
  // A thorough measurement is not replaced by a quick one, even with other numbers of threads.
  if (isQuiet && own.every((other) => other.isQuick)) {
    await store.remember(name, machine, (profile) => withModel(profile, costs));
  }
  return { costs, isQuiet };
}
