/**
 * Proves that the simulation notices errors. Each canary breaks one part of the engine as a small
 * mistake would. The simulation that passes in engine.test.ts must fail on it.
 */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Admission } from '../../src/kv-cache/admission.ts';
import { PrefixCache } from '../../src/kv-cache/prefix-cache.ts';
import { ScheduledLease } from '../../src/kv-cache/scheduled-lease.ts';
import { LocalSession } from '../../src/session/local-session.ts';
import { RUNS_ARE_FULL } from '../runs.ts';
import { type Bend, ObservedSequence } from './observed-model.ts';
import { anyPlan } from './plan.ts';
import { simulate } from './simulation.ts';
import { Tally } from './tally.ts';

/** Far more runs than any canary has needed. */
const RUN_COUNT_MAX = 400;

afterEach(() => {
  vi.restoreAllMocks();
});

interface Canary {
  readonly name: string;
  readonly isCalm: boolean;
  readonly bend?: Bend;
  readonly breakIt?: () => void;
}

/**
 * Errors that count as noticed: a check of the simulation or of the engine, whichever the schedule meets
 * first. A canary that ends in another error is badly made.
 */
const NOTICED = /AssertionError|InvariantError|PilotfishError|wait for each other|is starved/;

const CANARIES: readonly Canary[] = [
  {
    name: 'a rollback that forgets one token',
    isCalm: true,
    bend: { truncate: (length) => length + 1 },
  },
  {
    name: 'a fork that shares one token too few',
    isCalm: true,
    bend: { fork: (length) => length - 1 },
  },
  {
    name: 'a cache that reports fewer tokens than its sequences hold',
    isCalm: true,
    breakIt: () => {
      const close = PrefixCache.prototype.close;
      vi.spyOn(PrefixCache.prototype, 'close').mockImplementation(function (
        this: PrefixCache,
        { sequence, tokens },
      ) {
        return close.call(this, { sequence, tokens: tokens.slice(0, -1) });
      });
    },
  },
  {
    name: 'a cache that keeps the tokens of a failed forward',
    isCalm: false,
    breakIt: () => {
      const close = PrefixCache.prototype.close;
      vi.spyOn(PrefixCache.prototype, 'close').mockImplementation(function (
        this: PrefixCache,
        { sequence, tokens },
      ) {
        const believed = sequence instanceof ObservedSequence ? sequence.believed : tokens;
        return close.call(this, { sequence, tokens: [...believed] });
      });
    },
  },
  {
    name: 'an admission that leaks the room of every third request',
    isCalm: true,
    breakIt: () => {
      const admit = Admission.prototype.admit;
      let count = 0;
      vi.spyOn(Admission.prototype, 'admit').mockImplementation(async function (
        this: Admission,
        ...args
      ) {
        const release = await admit.apply(this, args);
        count += 1;
        return count % 3 === 0 ? () => undefined : release;
      });
    },
  },
  {
    name: 'an admission that admits every request',
    isCalm: true,
    breakIt: () => {
      vi.spyOn(Admission.prototype, 'admit').mockResolvedValue(() => undefined);
    },
  },
  {
    name: 'a preempted request that keeps its cells',
    isCalm: true,
    breakIt: () => {
      vi.spyOn(LocalSession.prototype, 'evict').mockResolvedValue(undefined);
    },
  },
  {
    name: 'reservations that remain below the worst case after a preemption',
    isCalm: true,
    breakIt: () => {
      vi.spyOn(ScheduledLease.prototype, 'reserveMost').mockReturnValue(undefined);
    },
  },
  {
    name: 'a request that does not close its sequences',
    isCalm: true,
    breakIt: () => {
      vi.spyOn(LocalSession.prototype, Symbol.asyncDispose).mockResolvedValue(undefined);
    },
  },
];

describe('the simulation notices', () => {
  // Quick runs try some of them.
  it.each(RUNS_ARE_FULL ? CANARIES : CANARIES.filter((_, at) => at % 3 === 0))(
    '$name',
    async ({ isCalm, bend = {}, breakIt }) => {
      breakIt?.();
      const property = fc.asyncProperty(
        fc.scheduler(),
        anyPlan({ isCalm }),
        async (scheduler, plan) => {
          await simulate(scheduler, plan, new Tally(), bend);
        },
      );
      const details = await fc.check(property, { numRuns: RUN_COUNT_MAX, endOnFailure: true });
      expect(details.failed).toBe(true);
      expect(String(details.errorInstance)).toMatch(NOTICED);
    },
  );
});
