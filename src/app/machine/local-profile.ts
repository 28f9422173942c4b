/**
 * What this machine knows of its own speed: how many threads decode a model fastest and what its
 * forwards cost. Measured when it is first asked for, and kept in the machine's own profile.
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

/** Such as `amd-epyc-2cpu`; with a number of threads that the user set, `amd-epyc-2cpu-1t`. */
export function localProfileName(
  { processor, processorCount }: Machine,
  threadCount?: number,
): string {
  const slug = processor.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const words = slug.replaceAll(/^-+|-+$/g, '').slice(0, 60) || 'machine';
  const threads = threadCount === undefined ? '' : `-${threadCount}t`;
  return `${words}-${processorCount}cpu${threads}`;
}

/** What a model is called everywhere: a known name stays, a path or hub name is its file's. */
export function shortName(reference: string): string {
  return reference.endsWith('.gguf') ? basename(reference, '.gguf') : reference;
}

/**
 * Whether other programs want all processors: what is measured then holds for now only. Steady work
 * beside it slows every forward alike, which their spread does not show. Windows always says 0.
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
  /** Whether other programs want all processors. Default: what the system says. */
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
  // What a busy moment chose holds for now and is looked into again next time.
  if (isQuiet && !(options.isBusy ?? isBusy)()) {
    await store.remember(name, machine, (profile) => withThreads(profile, measured));
  }
}

export interface LocalCosts {
  readonly costs: MeasuredModel;
  /** False where they were measured just now beside other work: good enough for now, and not kept. */
  readonly isQuiet: boolean;
}

/** The model's costs with the threads it has: as they are remembered, or measured quickly. */
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
  // What was measured at leisure, if with other threads, is not given up for a quick look.
  if (isQuiet && own.every((other) => other.isQuick)) {
    await store.remember(name, machine, (profile) => withModel(profile, costs));
  }
  return { costs, isQuiet };
}
