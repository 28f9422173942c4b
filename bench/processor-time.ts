/**
 * Models and a clock that count processor time instead of wall time, so that the time of other programs
 * does not count. It works with one thread only, because threads that wait for each other spin.
 */
import type { Clock } from '../src/core/clock.ts';
import type { MeasurableModel } from '../src/machines/measure-model.ts';
import type { Sequence } from '../src/model/roles.ts';

/** Milliseconds of processor time that this process has used. */
export const processorClock: Clock = {
  nowMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
};

export function inProcessorTime(model: MeasurableModel): MeasurableModel {
  const wrap = (sequence: Sequence): Sequence => ({
    get length() {
      return sequence.length;
    },
    forward: async (request, signal) => {
      const started = processorClock.nowMs();
      const { rows } = await sequence.forward(request, signal);
      return { rows, waitedMs: 0, computeMs: processorClock.nowMs() - started };
    },
    truncate: (length) => sequence.truncate(length),
    fork: async () => wrap(await sequence.fork()),
    [Symbol.asyncDispose]: () => sequence[Symbol.asyncDispose](),
  });
  return {
    facts: model.facts,
    vocabulary: model.vocabulary,
    threadCount: model.threadCount,
    tokenEmbedding: (id) => model.tokenEmbedding(id),
    get sequenceCount() {
      return model.sequenceCount;
    },
    countCachedTokens: () => model.countCachedTokens(),
    openSequence: () => wrap(model.openSequence()),
    [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
  };
}
