/**
 * Finds the number of threads that decodes a model fastest. More are not always better: a decode
 * waits for memory, and a thread that shares a core, or finds it taken, delays all others at every
 * barrier.
 */
import { type Clock, systemClock } from '../core/clock.ts';
import { throwIfAborted } from '../core/errors.ts';
import { GREEDY } from '../core/sampling-params.ts';
import { tokenId } from '../core/token-id.ts';
import type { LanguageModel, Sequence } from '../model/roles.ts';
import type { MeasuredThreads } from './machine-profile.ts';

/** The smaller number of threads wins a tie, because it leaves room for other work. */
const TIE = 0.03;
/** Forwards per number of threads and pass. The first one wakes the threads and does not count. */
const TIMED_COUNT = 3;
const PASS_COUNT_MAX = 3;
/** No further pass begins after this time. */
const BUDGET_MS = 150;
/** A number of threads that is slower by this factor is not tried again. */
const HOPELESS = 2;
/** If the fastest forwards of the choice differ by more than this, the machine had other work. */
const QUIET_SPREAD_MAX = 0.2;

export interface TunableModel extends LanguageModel {
  readonly threadCount: number;
  setThreadCount(threadCount: number): Promise<void>;
}

export interface ThreadMeasurement extends MeasuredThreads {
  /** False if other work disturbed the measurement. Use it for now, but do not store it. */
  readonly isQuiet: boolean;
}

/** 1, 2, 4, … and the number of processors itself. */
export function threadCandidates(processorCount: number): readonly number[] {
  const counts: number[] = [];
  for (let count = 1; count < processorCount; count *= 2) counts.push(count);
  return [...counts, processorCount];
}

/** The fastest number of threads; within a tie, the smallest number. */
export function chooseThreadCount(measured: MeasuredThreads['measured']): number {
  const fastest = Math.min(...measured.map(({ ms }) => ms));
  const good = measured.filter(({ ms }) => ms <= fastest * (1 + TIE));
  return Math.min(...good.map(({ threadCount }) => threadCount));
}

/**
 * Decodes single rows with each number of threads, and sets the model to the best one.
 * @throws PilotfishError `aborted`, and the errors of forwards
 */
export async function tuneThreads(
  model: TunableModel,
  processorCount: number,
  {
    signal,
    clock = systemClock,
  }: { signal?: AbortSignal | undefined; clock?: Clock | undefined } = {},
): Promise<ThreadMeasurement> {
  const times = new Map<number, number[]>(
    threadCandidates(processorCount).map((count) => [count, []]),
  );
  await using sequence = model.openSequence();
  const started = clock.nowMs();
  for (let pass = 0; pass < PASS_COUNT_MAX; pass += 1) {
    for (const [threadCount, measured] of times) {
      throwIfAborted(signal);
      if (!isHopeless(measured, times)) {
        await model.setThreadCount(threadCount);
        await timeForwards(sequence, model, measured, times);
      }
    }
    if (clock.nowMs() - started > BUDGET_MS) break;
  }
  const measured = [...times].map(([threadCount, ms]) => ({ threadCount, ms: Math.min(...ms) }));
  const threadCount = chooseThreadCount(measured);
  await model.setThreadCount(threadCount);
  return {
    model: model.facts.name,
    weightBytes: model.facts.weightBytes,
    threadCount,
    measured,
    isQuiet: [...times.values()].every(isQuiet),
  };
}

async function timeForwards(
  sequence: Sequence,
  model: LanguageModel,
  measured: number[],
  times: ReadonlyMap<number, readonly number[]>,
): Promise<void> {
  const program = {
    vocabularySize: model.vocabulary.size,
    sampling: GREEDY,
    seed: 0,
    purpose: 'sample' as const,
  };
  const tokens = [tokenId(0)];
  const request = { tokens, outputFrom: 0, program };
  const { computeMs: wakingMs } = await sequence.forward(request);
  await sequence.truncate(0);
  // If threads cannot get their cores, a single token can take seconds.
  if (isHopeless([wakingMs], times)) {
    measured.push(wakingMs);
    return;
  }
  for (let timed = 0; timed < TIMED_COUNT; timed += 1) {
    measured.push((await sequence.forward(request)).computeMs);
    await sequence.truncate(0);
  }
}

function isHopeless(
  measured: readonly number[],
  times: ReadonlyMap<number, readonly number[]>,
): boolean {
  const fastest = Math.min(...[...times.values()].flat());
  return measured.length > 0 && Math.min(...measured) > HOPELESS * fastest;
}

/** Whether half of the forwards came near the fastest. */
function isQuiet(times: readonly number[]): boolean {
  const sorted = [...times].sort((a, b) => a - b);
  const [fastest = 0] = sorted;
  const middle = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return middle <= fastest * (1 + QUIET_SPREAD_MAX);
}
